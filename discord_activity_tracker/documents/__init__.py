"""Search documents, and the texts and details that the pages show."""
