"""How the embedded recognizer was made: corpus, training, measuring. Needs torch and openvino; the product
does not."""
