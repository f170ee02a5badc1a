"""Write rows. Each page is one transaction, and several pages of new messages can share a transaction."""
