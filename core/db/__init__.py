"""Database code below Django's ORM: upserts, COPY, locks, time limits, distinct values and shared budgets."""
