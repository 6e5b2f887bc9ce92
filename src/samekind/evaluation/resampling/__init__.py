"""How sure a metric is: items counted in resamples of images or classes, and the intervals that follow."""
