"""commonpool.sim."""
