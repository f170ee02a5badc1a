"""A sample community, and a small local server for it that behaves like GitHub.

All of it is fictional and was written for this project. It uses only the standard library and ``git``, so
that ``python -m samples.server --port 0`` runs on its own.
"""

SAMPLE_REPOSITORY = "saltmarsh-works/tidewatch"
"""The repository with the conversations, the pull requests and the git history."""
SAMPLE_SEARCHES = (
    "why does a large import hang",
    "wrong hour when the clocks change",
    "when is it safe to walk to the chapel",
)
"""Queries of the demo."""
SECOND_REPOSITORY = "saltmarsh-works/tide-tables"
"""A small repository without commits; an issue was transferred to it from the first."""
