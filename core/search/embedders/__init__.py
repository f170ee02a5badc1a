"""Texts become vectors: one protocol, chosen by EMBEDDER."""

from core.search.embedders.base import EMBEDDERS, Embedder, EmbedderInfo, Role, get_embedder
from core.search.embedders.tokens import count_tokens

__all__ = ["EMBEDDERS", "Embedder", "EmbedderInfo", "Role", "count_tokens", "get_embedder"]
