"""The report of an evaluation as one HTML file, JSON and pictures (extra ``report``)."""
