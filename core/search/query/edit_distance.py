"""Find the words of a list that are nearest to a misspelt word.

The distance is the number of letters to insert, delete, replace or swap (optimal string alignment). Two bit masks of
each word, of its letters and of its pairs of letters, exclude almost all words before distances are computed. NumPy
compares all words together.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST_WORD = 40
"""Maximum number of characters of a word in the list. Longer words are rarely typed."""
LETTERS_FOR_TWO = 8
"""Number of characters from which a word may differ in two edits. Shorter words would have too many neighbours."""
MOST_COMPARED = 1500
"""Maximum number of words for which distances are computed, so that the time is bounded."""
LETTER_BITS_PER_EDIT, PAIR_BITS_PER_EDIT = 2, 6
"""Maximum number of bits that one edit changes: a replacement changes two letters, and a swap changes six pairs."""
END = 0
"""Padding after the last character of a word, which no word contains."""


class WordList:
    """Words and the numbers of their uses, in about 45 bytes a word. Words are stored as UTF-16."""

    def __init__(self, words: Sequence[str], uses: Sequence[float]) -> None:
        usable = [(word, count) for word, count in zip(words, uses, strict=True) if 0 < len(word) <= LONGEST_WORD]
        units = [len(word) if word.isascii() else len(_units(word)) for word, _ in usable]
        self._starts = np.concatenate(([0], np.cumsum(units, dtype=np.uint32))).astype(np.uint32)
        self._units = _units("".join(word for word, _ in usable))
        self._uses = np.array([count for _, count in usable], np.float32)
        self._letters, self._pairs = _masks(self._units, self._starts)

    def __len__(self) -> int:
        return len(self._uses)

    @property
    def size(self) -> int:
        """Return the number of bytes that the list uses."""
        arrays: list[NDArray[Any]] = [self._starts, self._units, self._uses, self._letters, self._pairs]
        return sum(array.nbytes for array in arrays)

    def nearest(self, word: str) -> str | None:
        """Return the nearest word, or ``None`` if no word is near.

        A word with the same first letter comes before other words of the same distance, and then the word with more
        uses.
        """
        if not len(self) or not 0 < len(word) <= LONGEST_WORD:
            return None
        typed = _units(word)
        for edits in (1, 2) if len(word) >= LETTERS_FOR_TWO else (1,):
            candidates = self._candidates(typed, edits)
            distances = self._distances(typed, candidates)
            near = candidates[distances <= edits]
            if len(near):
                first = self._units[self._starts[near]] != typed[0]
                best = near[np.lexsort((near, -self._uses[near], first, distances[distances <= edits]))[0]]
                return self._word(int(best))
        return None

    def _word(self, number: int) -> str:
        return self._units[self._starts[number] : self._starts[number + 1]].tobytes().decode("utf-16-le", "replace")

    def _candidates(self, typed: NDArray[np.uint16], edits: int) -> NDArray[np.int64]:
        """Return the numbers of the words that may be within ``edits``, at most ``MOST_COMPARED``."""
        letters, pairs = _masks(typed, np.array([0, len(typed)], np.uint32))
        lengths = np.diff(self._starts).astype(np.int16)
        possible = np.flatnonzero(np.abs(lengths - len(typed)) <= edits)
        changed_letters = np.bitwise_count(self._letters[possible] ^ letters[0])
        possible, changed_letters = (
            array[changed_letters <= LETTER_BITS_PER_EDIT * edits] for array in (possible, changed_letters)
        )
        changed_pairs = np.bitwise_count(self._pairs[possible] ^ pairs[0])
        fitting = changed_pairs <= PAIR_BITS_PER_EDIT * edits
        possible, changed = possible[fitting], (changed_pairs + changed_letters)[fitting]
        if len(possible) > MOST_COMPARED:
            possible = possible[np.argsort(changed, kind="stable")[:MOST_COMPARED]]
        return possible

    def _distances(self, typed: NDArray[np.uint16], candidates: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the distance of each candidate. All candidates are compared at the same time, column by column."""
        starts = self._starts[candidates].astype(np.int64)
        lengths = self._starts[candidates + 1].astype(np.int64) - starts
        longest = int(lengths.max(initial=0))
        places = np.minimum(starts + np.arange(longest)[:, None], max(0, len(self._units) - 1))
        letters = np.where(np.arange(longest)[:, None] < lengths, self._units[places], END)
        two_before, before = None, np.repeat(np.arange(longest + 1, dtype=np.uint8)[:, None], len(candidates), axis=1)
        for row, letter in enumerate(typed):
            current = np.empty_like(before)
            current[0] = row + 1
            equal = letters == letter
            kept_or_replaced = before[:-1] + ~equal
            deleted = before[1:] + np.uint8(1)
            best = np.minimum(kept_or_replaced, deleted)
            if two_before is not None:
                swapped = (letters[1:] == typed[row - 1]) & equal[:-1]
                best[1:] = np.where(swapped, np.minimum(best[1:], two_before[:-2] + np.uint8(1)), best[1:])
            for column in range(longest):
                np.minimum(best[column], current[column] + np.uint8(1), out=current[column + 1])
            two_before, before = before, current
        return before[lengths, np.arange(len(candidates))]


def _units(text: str) -> NDArray[np.uint16]:
    return np.frombuffer(text.encode("utf-16-le", "replace"), np.dtype("<u2"))


def _masks(units: NDArray[np.uint16], starts: NDArray[np.uint32]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return a mask of the letters, and a mask of the pairs of letters, of each word. No word is empty."""
    if not len(units):
        return np.zeros(0, np.uint64), np.zeros(0, np.uint64)
    codes, one = units.astype(np.uint64), np.uint64(1)
    beginnings = starts[:-1].astype(np.int64)
    letters = np.bitwise_or.reduceat(one << (codes & np.uint64(63)), beginnings)
    pairs = codes * np.uint64(31)
    pairs[:-1] += codes[1:]
    bits = one << (pairs * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(58))
    bits[starts[1:].astype(np.int64) - 1] = 0  # the last letter of a word has no next letter
    return letters, np.bitwise_or.reduceat(bits, beginnings)
