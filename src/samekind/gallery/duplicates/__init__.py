"""Which images of a gallery are duplicates of each other, or of images in another one."""
