"""Embedding models. The setting EMBEDDER chooses one of the models in ``registry``."""
