"""Replays through the desk's own parts: the 挪车 actions, lookups and seats."""
