"""The room of Discord's HTTP API, with its own limiter and retries; its vendor's library will be imported here and nowhere else."""
