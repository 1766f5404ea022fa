"""Callers who were promised the outcome: when it is due, and the call that brings it."""
