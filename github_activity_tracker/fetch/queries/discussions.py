"""Discussions with their comments and the replies to those."""

from github_activity_tracker.fetch.queries.events import ACTOR
from github_activity_tracker.fetch.queries.threads import HIDDEN, PAGE, REACTED

SPOKEN = (
    "id databaseId body url createdAt updatedAt authorAssociation author { ...Account } "
    "isAnswer upvoteCount replyTo { databaseId } " + HIDDEN + REACTED
)
REPLIES = "replies(first: %d%s) { totalCount " + PAGE + " nodes { " + SPOKEN + " } }"
TALK = "comments(first: %d%s) { totalCount " + PAGE + " nodes { " + SPOKEN + " " + REPLIES % (20, "") + " } }"
DISCUSSION_LABELS = "labels(first: %d%s) { totalCount " + PAGE + " nodes { name } }"
DISCUSSION = (
    "id databaseId number title body url createdAt updatedAt closedAt locked stateReason authorAssociation "
    "author { ...Account } category { name } answer { databaseId } upvoteCount "
    + DISCUSSION_LABELS % (50, "")
    + " "
    + REACTED
    + " "
    + TALK % (30, "")
)
DISCUSSIONS = f"""
query ($repository: ID!, $first: Int!, $after: String) {{
  node(id: $repository) {{ ... on Repository {{
    discussions(first: $first, after: $after, orderBy: {{field: UPDATED_AT, direction: ASC}}) {{
      totalCount {PAGE} edges {{ cursor node {{ {DISCUSSION} }} }}
    }}
  }} }}
  rateLimit {{ cost }}
}}
{ACTOR}"""
TOTALS_OF_DISCUSSIONS = f"""
query ($repository: ID!, $first: Int!, $after: String) {{
  node(id: $repository) {{ ... on Repository {{
    discussions(first: $first, after: $after, orderBy: {{field: CREATED_AT, direction: ASC}}) {{
      totalCount {PAGE} edges {{ cursor node {{
        id number createdAt updatedAt
        comments(first: 100) {{ totalCount nodes {{ databaseId replies(first: 1) {{ totalCount }} }} }}
      }} }}
    }}
  }} }}
  rateLimit {{ cost }}
}}"""
"""How much there is to each discussion; the replies of its first hundred comments are counted."""
