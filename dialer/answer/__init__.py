"""Who or what answered an owner's call, told from what is heard before and after the answer."""
