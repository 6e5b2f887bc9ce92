"""Encoders from elsewhere, made into model files: the input folded in, the output normalised, a card beside it."""
