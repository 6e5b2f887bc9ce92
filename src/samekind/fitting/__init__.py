"""Fitting calibrations: from similarities of labelled images to probabilities and thresholds (extra ``calibrate``)."""
