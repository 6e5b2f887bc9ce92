"""What is measured of scores with known answers: rates, curves, calibration, retrieval."""
