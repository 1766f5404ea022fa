"""Clips of whoever and whatever answers a telephone, and how well they are told apart."""
