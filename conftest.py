"""What every test may use."""

pytest_plugins = ["config.tests.emptying", "samples.fixtures"]
