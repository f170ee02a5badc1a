"""Store converted pages. Each page is stored in one transaction, which several pages of new messages can share."""
