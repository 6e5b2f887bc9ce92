"""What comes together in a batch, and how it is made: sampled, augmented, cached, loaded."""
