"""commonpool.model."""
