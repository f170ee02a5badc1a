"""Decide whether a query has any answer, because a search by meaning always finds something.

Only queries in English without operators are judged: the default model understands other languages too little, and an
operator already leaves out what does not fit. ``bench/retrieval`` measures how many queries without an answer are
recognised, and that no answer of a question is lost.
"""

from collections import Counter
from itertools import chain

from core.search.language import LANGUAGES
from core.search.query.fusion import Rankings

BOTH = 0.58
"""Minimum sum of a document's cosine similarity and of its score in the ranking of documents."""
SURE = 0.8
"""Share of matching words (``Ranked.sure``) in one chunk with which a query always has an answer."""
FEW_WORDS = 2
"""Number of frequent words of another language that tell this language, if there are fewer English ones."""


def has_answer(words: str, rankings: Rankings, similar: float) -> bool:
    """Return False if the best documents are neither near in meaning nor contain the words of the query.

    ``similar`` is the property of the embedding model with this name.
    """
    if not rankings.dense or may_be_foreign(words) or any(item.sure >= SURE for item in rankings.chunks):
        return True
    cosines = {item.document: item.score for item in rankings.dense}
    lowest = min(cosines.values())
    shares = {item.document: item.score for item in rankings.documents}
    best = max(cosines.get(document, lowest) + shares.get(document, 0.0) for document in {*cosines, *shares})
    return best >= BOTH and max(cosines.values()) >= similar


def may_be_foreign(words: str) -> bool:
    """Return whether a query may be in another language than English."""
    if not words.isascii():
        return True
    known = (LANGUAGES[word] for word in words.lower().replace("'", " ").split() if word in LANGUAGES)
    counts = Counter(chain.from_iterable(known))
    english = counts.pop("en", 0)
    return max(counts.values(), default=0) >= max(FEW_WORDS, english + 1)
