"""Where a gallery is kept, a SQLite file or a PostgreSQL schema: transactions, one writer, rows and facts."""
