"""Documents are cut into chunks: each a piece of one passage, headed by where it is from.

A passage (a description, a comment, a message) is cut on its own, so that a changed comment changes only its own
chunks. Within it the structure decides: a heading stays with what it heads, a quote with its reply, a code block or a
diff hunk stays whole where it fits; what is too long for one chunk is cut at sentences or lines, then words, then
anywhere. Only the pieces of a long paragraph overlap. No character but blanks is dropped.
"""

from core.search.chunking.cutting import CHUNKER_VERSION, HEAD_JOINT, MAX_TOKENS, Counter, Piece, cut, cut_all
from core.search.chunking.words import extra_words

__all__ = ["CHUNKER_VERSION", "HEAD_JOINT", "MAX_TOKENS", "Counter", "Piece", "cut", "cut_all", "extra_words"]
