"""Filters: conditions on what a gallery knows of its images, ``taken >= '2024-01-01' and path like 'shoes/%'``."""
