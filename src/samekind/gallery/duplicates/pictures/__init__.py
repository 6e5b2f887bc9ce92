"""The pictures that are compared: kept in the gallery, or read from a folder's files."""
