"""Request data from Discord page by page. Only this package sends requests."""
