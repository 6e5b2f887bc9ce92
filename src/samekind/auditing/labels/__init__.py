"""Which labels are in doubt, which classes are one, and which are two."""
