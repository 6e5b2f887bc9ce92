"""The commands for labelled images."""
