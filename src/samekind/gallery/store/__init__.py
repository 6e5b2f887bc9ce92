"""Where a gallery is kept: a SQLite file or a PostgreSQL schema, its transactions, its one writer, its rows and facts."""
