"""Read data page by page from Discord's API and from exported files."""
