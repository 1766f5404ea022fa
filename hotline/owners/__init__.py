"""The owners' side of a case: when they are called, one call, what they hear, what the caller is told of it."""
