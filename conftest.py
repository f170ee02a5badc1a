"""What every test may use."""

pytest_plugins = ["samples.fixtures"]
