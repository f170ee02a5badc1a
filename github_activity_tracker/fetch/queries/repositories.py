"""A repository's facts, with what tells whether anything in it changed."""

from github_activity_tracker.fetch.queries.events import ACTOR

_LATEST = "(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) { totalCount nodes { id updatedAt } }"
REPOSITORY = f"""
fragment Facts on Repository {{
  id databaseId nameWithOwner url description createdAt updatedAt pushedAt
  isArchived isDisabled isFork isPrivate hasDiscussionsEnabled stargazerCount forkCount
  homepageUrl visibility mirrorUrl isTemplate hasIssuesEnabled hasProjectsEnabled hasWikiEnabled
  licenseInfo {{ spdxId key name }} parent {{ databaseId nameWithOwner isFork }}
  commitComments(last: 1) {{ totalCount nodes {{ id updatedAt }} }}
  owner {{ __typename login ...Account }}
  watchers(first: 1) {{ totalCount }}
  primaryLanguage {{ name }}
  repositoryTopics(first: 20) {{ totalCount nodes {{ topic {{ name }} }} }}
  defaultBranchRef {{ name target {{ oid }} }}
  heads: refs(refPrefix: "refs/heads/", first: 1) {{ totalCount }}
  tags: refs(refPrefix: "refs/tags/", first: 1) {{ totalCount }}
  issues{_LATEST}
  pullRequests{_LATEST}
  discussions{_LATEST}
  milestones{_LATEST}
  releases(first: 1, orderBy: {{field: CREATED_AT, direction: DESC}}) {{ totalCount nodes {{ id updatedAt }} }}
  labels(first: 1) {{ totalCount }}
}}
{ACTOR}"""
