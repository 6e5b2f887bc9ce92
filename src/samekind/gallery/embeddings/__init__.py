"""The embeddings of a gallery: the model that makes them, and the space in which they are compared."""
