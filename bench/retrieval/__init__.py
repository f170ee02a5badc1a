"""Known-item retrieval: does a search find the document from which a question was made?

Most question sets are derived from documents in a fixed way. The text of a question is removed from the documents:

- ``titles``: titles of issues, pull requests and discussions. The documents contain only the texts.
- ``openings``: the first 200 characters of a thread's first message. The documents contain only the replies.
- ``commits``: first lines of commit messages. The documents contain the rest of the message and names of changed files.
- ``headings``: first paragraphs of docstrings in Python's standard library. The documents contain the rest. Every
  machine has these public texts, and many of them are similar.
- ``paraphrases``: handwritten questions about the sample community, in ``paraphrases.toml``. The documents are
  complete, and the documents of ``headings`` are also searched.
- ``fresh``: more handwritten questions, in ``fresh.toml``. They were never used to choose parameters.

The last three sets are left out if the arguments name a repository. A question needs three words, and enough text must
remain in the document. A hash of its words assigns each question to one of two halves, so that parameters can be tuned
on one half and tested on the other.

    python -m bench.retrieval                                      # the sample community, in a new database
    VAR_DIR=kept python -m bench.retrieval owner/name --limit 200  # a repository from GITHUB_API_URL
"""
