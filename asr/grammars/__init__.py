"""Grammars: what can be said now, read from YAML and compiled to a graph over the model's units."""
