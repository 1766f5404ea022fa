"""Cases: the log of one while it lives, its text, its story told to people."""
