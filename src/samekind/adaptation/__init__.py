"""What a model knows of a collection without labels: its mean taken away, and what similarities then mean."""
