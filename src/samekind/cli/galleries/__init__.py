"""The commands for galleries, copies and plans."""
