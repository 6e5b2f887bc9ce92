"""Asking a person about the pairs that teach most."""
