"""What every conversation has at hand: seats, recordings, HTTP services, what is known of the caller."""
