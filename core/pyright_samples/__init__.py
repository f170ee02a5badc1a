"""Sample programs for the type checker: it must accept ``must_pass``, and report errors in ``must_fail``."""
