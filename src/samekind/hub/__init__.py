"""Models by their address on a hub: read where they are, keep what was fetched."""
