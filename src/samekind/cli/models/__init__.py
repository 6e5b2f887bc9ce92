"""The commands that make a model, measure it and say what it is."""
