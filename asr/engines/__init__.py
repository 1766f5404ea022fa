"""Recognizer engines."""
