"""The commands that judge pictures, and the one that adapts a model to them."""
