"""Texts become vectors: one protocol, chosen by EMBEDDER."""

from core.search.embedders.base import Embedder, EmbedderInfo, get_embedder

__all__ = ["Embedder", "EmbedderInfo", "get_embedder"]
