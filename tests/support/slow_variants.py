"""Which variants of a test run with ``make test``, and which with ``make proofs`` only."""

from collections.abc import Iterable
from typing import Any

import pytest


def quick(values: Iterable[Any], *chosen: Any) -> list[Any]:
    """Return parameters of which all but the chosen ones are marked ``slow``."""
    return [value if value in chosen else pytest.param(value, marks=pytest.mark.slow) for value in values]
