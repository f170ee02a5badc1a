"""PostgreSQL features that Django's ORM does not offer: upserts, COPY, locks, time limits and shared budgets."""
