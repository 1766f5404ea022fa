"""Number plates of mainland China: their rules, how people say them, and which one was meant."""
