"""Hybrid search, the same for every vector index.

``search`` is the entry. It ranks documents by their vectors, ``text`` ranks them by their words, ``fusion`` joins the
two rankings, and ``results`` loads the passages to show.
"""
