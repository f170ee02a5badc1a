"""Known-item retrieval: does a search find the document from which a question was made?

The histories of real repositories, which the twin of GitHub serves, are searched with about a thousand questions of
fourteen kinds. Half of them are handwritten, in ``questions_by_hand``: their words are not those of the documents, and
each answer is a number. The words of the other half come from the documents when the benchmark runs (``derived``).

Without the twin, or with ``--sample`` or the name of a repository, there are six other question sets. The first four
are derived from documents by fixed rules, and the text of each question is removed from its document:

- ``titles``: titles of issues, pull requests and discussions. The documents contain only the texts.
- ``openings``: the first 200 characters of a thread's first message. The documents contain only the replies.
- ``commits``: first lines of commit messages. The documents contain the rest of the message and names of changed files.
- ``headings``: first paragraphs of docstrings in Python's standard library. The documents contain the rest. Every
  Python installation has these docstrings, and many of them are similar.
- ``paraphrases``: handwritten questions about the sample community, in ``paraphrases.toml``. The documents are
  complete, and the documents of ``headings`` are also searched.
- ``fresh``: more handwritten questions, in ``fresh.toml``. They were never used to choose parameters.

The last three sets are left out if the arguments name a repository. A derived question is used only if it has at least
three words (or non-ASCII characters) and at least 40 characters remain in its document. A hash of a question's words
assigns it to one of two halves. Parameters can be tuned on one half and tested on the other.

    python -m bench.retrieval                                      # the histories; vectors are kept
    python -m bench.retrieval --sample                             # the sample community, in a new database
    VAR_DIR=kept python -m bench.retrieval owner/name --limit 200  # a repository from GITHUB_API_URL
"""
