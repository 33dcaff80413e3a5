"""commonpool.api."""
