"""What a street and a telephone line do to speech: effects, and the simulation made of them."""
