"""A run: what it is started with, the folder that keeps it, and what is refused before it begins."""
