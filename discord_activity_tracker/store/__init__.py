"""Write rows: one transaction for each page, or for several pages of new messages."""
