"""The parts that all trackers share: contracts, timeline, search and run ledger. Core imports no tracker."""
