"""Users, bots and webhooks."""

from discord_activity_tracker.convert.texts import Row, clip, snowflake
from discord_activity_tracker.payloads import User


def account_row(user: User, *, webhook: bool = False) -> Row:
    """An account; KeyError, TypeError or ValueError for something else."""
    kind = "webhook" if webhook else "system" if user.get("system") else "bot" if user.get("bot") else "user"
    return {
        "id": snowflake(user["id"]),
        "username": clip(user["username"], 200),
        "global_name": clip(user.get("global_name"), 200),
        "kind": kind,
        "avatar": clip(user.get("avatar"), 200),
    }
