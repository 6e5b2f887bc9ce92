"""Putting a model on a hub, with a page that says what it is."""
