"""The room of the production vector index; its vendor's library will be imported here and nowhere else."""
