"""What can be searched, how it reaches the index, and how it is found."""
