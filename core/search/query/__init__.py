"""Hybrid search. ``search`` is the entry; text and vector search each rank documents, and ``fusion`` joins the ranks.

The same for every vector index.
"""
