"""Pages of the admin that are more than a list of rows; ``site`` registers them."""
