"""The Django project: settings, URLs, logging, log-ins, and commands that use several apps."""
