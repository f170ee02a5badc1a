"""The search index: the documents of the trackers, their chunks and vectors, and queries."""
