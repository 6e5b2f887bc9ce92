"""What the site is made of besides its pages: those that are written from the code."""
