"""The service: rooms of what it is made of, and beside them the engine that joins all parts (docs/architecture.md)."""
