"""Free speech written down beside the calls, and its text made fit for people."""
