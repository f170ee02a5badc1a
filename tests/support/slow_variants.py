"""Choose the variants of a test that ``make test`` runs; the others run with ``make proofs`` only."""

from collections.abc import Iterable
from typing import Any

import pytest


def quick(values: Iterable[Any], *chosen: Any) -> list[Any]:
    """Return parameters for ``parametrize``; all but the chosen ones have the marker ``slow``."""
    return [value if value in chosen else pytest.param(value, marks=pytest.mark.slow) for value in values]
