"""What is wrong with labelled images, what to do about it, and which answers would teach a model most."""
