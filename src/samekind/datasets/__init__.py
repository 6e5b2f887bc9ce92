"""Labelled images: class folders, splits, and samples of pairs, triplets and trios."""
