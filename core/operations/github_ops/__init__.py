"""GitHub: its REST API, and its repositories over git."""
