"""A PostgreSQL database with pgvector as the place of a gallery. Extra ``postgres``."""
