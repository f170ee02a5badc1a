"""The Django project: settings, URLs, logging, log-ins, and the commands that use several apps."""
