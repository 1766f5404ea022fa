"""Recorded or written conversations lived through the real hearing and flows, on virtual time."""
