"""What is installed, what it runs on, and what is wrong with that."""
