"""The page that judges pictures in a visitor's browser, written for one's own model."""
