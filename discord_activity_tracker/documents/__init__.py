"""Create the search documents, and the texts and details for the pages."""
