"""commonpool.planner."""
