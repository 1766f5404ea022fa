"""`ivr owners`: the sealed register. Placeholder until the dialer's functions are wired."""
