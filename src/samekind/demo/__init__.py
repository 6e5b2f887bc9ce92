"""Verdicts on the photographs that scikit-image carries. Needs the extra ``demo``."""
