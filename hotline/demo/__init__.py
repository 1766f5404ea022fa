"""The main job on one machine: the engine's own processes, and people with telephones of their own."""
