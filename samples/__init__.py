"""A sample community, and a small local server that imitates GitHub with the data of this community.

All data is fictional and was written for this project. Besides the standard library, the server needs only
``graphql-core`` and ``git``. ``python -m samples.server --port 0`` starts it without the rest of the project.
:mod:`samples.discord` imitates Discord.
"""

SAMPLE_REPOSITORY = "saltmarsh-works/tidewatch"
"""Full name of the large sample repository. It has pull requests, discussions and a git history."""
SAMPLE_SEARCHES = (
    "why does a large import hang",
    "wrong hour when the clocks change",
    "when is it safe to walk to the chapel",
)
"""Search queries that ``make demo`` runs."""
SECOND_REPOSITORY = "saltmarsh-works/tide-tables"
"""Full name of a small repository without commits. An issue was transferred to it from ``SAMPLE_REPOSITORY``."""
