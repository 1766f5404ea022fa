"""What the 挪车 flows can do, from the plate that was heard to the promise of word later."""
