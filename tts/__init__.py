"""Speaking: voices, recorded pieces, and prompts rendered to telephone PCM."""
