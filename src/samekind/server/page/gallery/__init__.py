"""What the page shows of a gallery. Imported only where there is one."""
