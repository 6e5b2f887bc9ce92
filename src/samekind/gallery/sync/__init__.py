"""Bringing a gallery in step with the files of a folder."""
