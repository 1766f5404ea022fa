"""A stream as it comes in: voice activity, onset, end of a turn, the last stretch of audio."""
