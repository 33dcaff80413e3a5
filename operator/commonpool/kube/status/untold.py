"""What a workload had before anything was said of it: Rounds and pods know it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Untold:
    """Places that a workload has, or had, of which its status says nothing yet."""

    since_at: int
    """Since when, in seconds since 1970."""
    pool: str
