"""The search of a grammar's graph: by probabilities of units (beam search in C) and by text."""
