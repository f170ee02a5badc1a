"""Everything that talks to the outside; nothing else does."""
