"""The desk: cases and their story, seats, the engine that joins all parts, and the command line."""
