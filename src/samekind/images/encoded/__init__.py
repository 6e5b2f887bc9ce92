"""What files of images hold besides pixels of 8 bits: their own formats, depths, colours and orientation."""
