"""The search index: documents of the trackers, their chunks and vectors, and queries."""
