"""Embeddings of any number of images as Parquet shards, made in this process or by many."""
