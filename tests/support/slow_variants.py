"""Selects the variants of a test that ``make test`` runs. The other variants run only with ``make proofs``."""

from collections.abc import Iterable
from typing import Any

import pytest


def quick(values: Iterable[Any], *chosen: Any) -> list[Any]:
    """Return the parameters for ``parametrize``. All values that are not in ``chosen`` have the marker ``slow``."""
    return [value if value in chosen else pytest.param(value, marks=pytest.mark.slow) for value in values]
