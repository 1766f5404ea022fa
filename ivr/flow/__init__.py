"""Call flows: YAML read into a checked `Flow`, and the runner that walks a call through it."""
