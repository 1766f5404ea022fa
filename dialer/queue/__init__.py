"""The queue of calls to owners, the rules of each attempt, and what was promised to callers."""
