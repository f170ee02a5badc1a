"""Fixtures and settings for all tests."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.database", "tests.support.twins", "samples.fixtures"]

# Hypothesis examples have no deadline, because their duration depends on the load of the machine.
settings.register_profile("project", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")
