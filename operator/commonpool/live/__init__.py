"""commonpool.live."""
