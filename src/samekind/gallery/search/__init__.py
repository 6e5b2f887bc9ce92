"""From an embedding to the images of a gallery that are like it."""
