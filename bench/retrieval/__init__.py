"""Known items: is the document found that a question was made from?

Sets of questions are made from what is collected, always in the same way, and what a question was made from is taken
out of the documents that it is looked for in:

- ``titles``: the title of an issue, pull request or discussion; the documents keep their texts only.
- ``openings``: the first 200 characters of a thread's first message; the documents keep only what was answered.
- ``commits``: the first line of a commit message; the documents keep the rest of it and the names of changed files.
- ``headings`` (without a repository of yours): the first sentence of docstrings of Python's standard library; the
  documents keep the rest. Public text that every machine has, and a thousand others to be mistaken for.
- ``paraphrases`` (likewise): questions written by hand about the sample community, in ``paraphrases.toml``; the
  documents are whole, with those of ``headings`` among them.
- ``fresh`` (likewise): more of them in ``fresh.toml``, by which no number is chosen.

A question needs three words, and a document something left to be found by. Questions are halved by the hash of
their words, so that a number can be tuned on one half and checked on the other.

    python -m bench.retrieval                                      # the sample community, in a database of its own
    VAR_DIR=kept python -m bench.retrieval owner/name --limit 200  # a repository, as GITHUB_API_URL serves it
"""
