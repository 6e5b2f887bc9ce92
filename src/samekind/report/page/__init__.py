"""The page of a report, its figures and its small pictures."""
