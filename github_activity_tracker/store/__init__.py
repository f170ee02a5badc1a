"""All writes of the tracker. A page, its re-index requests and its checkpoint are stored in one transaction."""
