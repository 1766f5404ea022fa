"""Texts to callers and owners: what they say, and the desk that sends them."""
