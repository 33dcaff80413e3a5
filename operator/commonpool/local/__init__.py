"""commonpool.local."""
