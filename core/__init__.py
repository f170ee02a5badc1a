"""What every tracker shares: contracts, timeline, search, run ledger. Knows no tracker."""
