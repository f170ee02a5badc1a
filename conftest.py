"""What every test may use."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.database", "samples.fixtures"]

# How long an example takes depends on the machine's other work, and is not what property tests are about.
settings.register_profile("project", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")
