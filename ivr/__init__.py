"""Calls and conversations: one call's audio and events, turns, and flows that steer them."""
