"""Measuring how often a model is right: metrics with intervals, on labelled images or on listed items."""
