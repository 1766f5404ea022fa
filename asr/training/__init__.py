"""How the embedded recognizer was made: corpus, training, measuring. Needs torch; the product does not."""
