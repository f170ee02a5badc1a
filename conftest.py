"""What every test may use."""

pytest_plugins = ["config.tests.database", "samples.fixtures"]
