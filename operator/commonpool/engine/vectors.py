"""Arithmetic of amounts, four integers at once."""

from commonpool.engine.protocol import Amounts


def add_vectors(left: Amounts, right: Amounts) -> Amounts:
    """Amount by amount."""
    return left[0] + right[0], left[1] + right[1], left[2] + right[2], left[3] + right[3]


def subtract_vectors(left: Amounts, right: Amounts) -> Amounts:
    """Amount by amount; below zero where `right` is more."""
    return left[0] - right[0], left[1] - right[1], left[2] - right[2], left[3] - right[3]


def count_pods(free: Amounts, shape: Amounts) -> int:
    """How many pods of `shape` fit into `free`; none into an overdrawn node, and none of a shape that needs nothing."""
    return max(0, min((have // need for have, need in zip(free, shape, strict=True) if need > 0), default=0))
