"""What the product needs of PostgreSQL beyond Django's ORM."""
