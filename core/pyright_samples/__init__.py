"""Programs for the type checker: one that it must accept, one that it must refuse."""
