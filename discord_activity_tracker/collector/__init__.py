"""Collect guilds: list channels and threads, and then read new messages, edits, deletions, pins and reactions."""
