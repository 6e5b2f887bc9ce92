"""An audit as a list to act on and as a page."""
