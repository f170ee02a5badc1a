"""Create the search documents, and the texts and details of messages that the admin pages show."""
