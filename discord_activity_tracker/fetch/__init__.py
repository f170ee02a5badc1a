"""Request data from Discord page by page. Only this package calls ``core.operations``."""
