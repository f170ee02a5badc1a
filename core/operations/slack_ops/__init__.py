"""The room of alerts and reading channels; its vendor's library will be imported here and nowhere else."""
