"""Embedding models. The setting EMBEDDER chooses one of those in ``registry``."""
