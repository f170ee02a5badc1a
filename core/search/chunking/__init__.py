"""Cut documents into chunks. A chunk is a piece of one passage under a head that names its origin.

Each passage (a description, a comment, a message) is cut separately, so that an edited comment changes only its own
chunks. The structure of the text decides where a passage is cut. If they fit into one chunk, a heading stays with the
text below it, a quote stays with its reply, and a code block or diff hunk stays whole.

A block that is too long for one chunk is cut at sentences or lines, then at words, then anywhere. Only the pieces of a
long paragraph overlap. No character except white space is lost.
"""
