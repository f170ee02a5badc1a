"""Write rows. Each page is written in one transaction. Several pages of new messages can share a transaction."""
