"""The shared write path, from converted pages to committed rows."""
