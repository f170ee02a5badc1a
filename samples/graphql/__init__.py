"""GitHub's GraphQL API over the sample community."""

from samples.graphql.engine import Engine

__all__ = ["Engine"]
