"""Hybrid search, the same for every vector index.

``search`` is the entry point and ranks documents by their vectors. ``text`` ranks documents by their words, ``fusion``
combines the two rankings, and ``results`` loads the passages to show.
"""
