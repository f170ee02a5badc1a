"""Collect guilds: list what exists, then read new messages, edits and deletions, pins and reactions."""
