"""Known-item retrieval: does a search find the document that a question was made from?

Question sets are derived from collected documents in a fixed way. The text of a question is removed from the documents
that are searched:

- ``titles``: the title of an issue, pull request or discussion; the documents keep their texts only.
- ``openings``: the first 200 characters of a thread's first message; the documents keep only the replies.
- ``commits``: the first line of a commit message; the documents keep the rest of it and the names of changed files.
- ``headings`` (unless a repository is given): the first sentence of docstrings of Python's standard library; the
  documents keep the rest. This is public text on every machine, with a thousand similar documents.
- ``paraphrases`` (likewise): questions written by hand about the sample community, in ``paraphrases.toml``; the
  documents are whole, with those of ``headings`` among them.
- ``fresh`` (likewise): more such questions in ``fresh.toml``. No parameter was chosen with them.

A question needs three words, and a document needs remaining text. The hash of its words assigns each question to one of
two halves, so that parameters can be tuned on one half and checked on the other.

    python -m bench.retrieval                                      # the sample community, in a new database
    VAR_DIR=kept python -m bench.retrieval owner/name --limit 200  # a repository, as GITHUB_API_URL serves it
"""
