"""commonpool.cli."""
