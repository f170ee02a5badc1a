"""A sample community and a small local server that answers for it as GitHub does.

Everything in here is fictional and was written for this project. Only the standard library (and ``git``) is used, so
that ``python -m samples.server --port 0`` runs on its own.
"""

SAMPLE_REPOSITORY = "saltmarsh-works/tidewatch"
"""The repository with the talk, the pull requests and the git history."""
SAMPLE_SEARCHES = (
    "why does a large import hang",
    "wrong hour when the clocks change",
    "when is it safe to walk to the chapel",
)
"""Words that the demo looks for."""
SECOND_REPOSITORY = "saltmarsh-works/tide-tables"
"""A small one without any commit; an issue was transferred to it from the first."""
