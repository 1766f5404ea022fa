"""The vault: the process that alone can read the register, and the engine's side of it."""
