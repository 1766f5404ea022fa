"""Measuring on one's own machine: what `ivr bench` does."""
