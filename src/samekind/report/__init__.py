"""The report of an evaluation: as text, as JSON, and as one HTML file with pictures (extra ``report``)."""
