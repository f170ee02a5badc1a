"""The project: its settings, its database and what ties the apps together."""
