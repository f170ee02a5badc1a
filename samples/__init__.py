"""A sample community, and a small local server that imitates GitHub with the data of this community.

All data is fictional and was written for this project. The server needs the standard library, ``graphql-core`` and
``git``. ``python -m samples.server --port 0`` starts it without the rest of the project.
"""

SAMPLE_REPOSITORY = "saltmarsh-works/tidewatch"
"""The repository that contains the conversations, the pull requests and the git history."""
SAMPLE_SEARCHES = (
    "why does a large import hang",
    "wrong hour when the clocks change",
    "when is it safe to walk to the chapel",
)
"""Search queries of the demo."""
SECOND_REPOSITORY = "saltmarsh-works/tide-tables"
"""A small repository without commits. An issue was transferred to it from ``SAMPLE_REPOSITORY``."""
