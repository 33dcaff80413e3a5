"""commonpool.engine."""
