"""The SQLite file that is a gallery: its transactions, its one writer, its rows, what it says of itself."""
