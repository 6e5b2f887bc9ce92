"""The contents of a report: what its JSON holds, and what the page is drawn from."""
