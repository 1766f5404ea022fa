"""A day of requests through the whole bot, on virtual time: who calls, what came of it, how long it took."""
