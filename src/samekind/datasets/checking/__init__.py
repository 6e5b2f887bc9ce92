"""Looking at labelled images before anything is done with them."""
