"""An imitation of GitHub's GraphQL API with the data of a sample community."""

from samples.graphql.engine import Engine

__all__ = ["Engine"]
