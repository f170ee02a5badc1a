"""Functions of PostgreSQL beyond Django's ORM: upserts, COPY, locks, limits, budgets."""
