"""Owners: the sealed register, the vault process that alone can read it, and owners' calls."""
