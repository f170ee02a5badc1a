"""The room of Discord's HTTP API, with its own limiter and retries; its vendor's library is imported
here and nowhere else."""
