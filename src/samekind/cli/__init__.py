"""The command line. Each module is a group of commands and imports what it needs inside the command."""
