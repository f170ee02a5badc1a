"""Cut documents into chunks. A chunk is a piece of one passage under a head that names its origin.

Each passage (a description, a comment, a message) is cut separately, so that an edited comment changes only its own
chunks. The structure of the text decides where a passage is cut. A heading stays with the text below it, and a quote
stays with its reply. A code block or diff hunk stays whole if it fits.

A block that is too long for one chunk is cut at sentences or lines, then at words, then anywhere. Only the pieces of a
long paragraph overlap. No character except white space is lost.
"""
