"""Common ways to place whole nodes, to hold ours against: whole-node gangs on a fleet whose domains are runs of nodes."""

from collections.abc import Callable, Sequence
from itertools import islice

Rival = Callable[[bytearray, int, Sequence[int], int], Sequence[int]]
"""Free nodes, how many are asked for, the widths of the levels, the level inside one domain of which they must be (-1: none)."""


def first_fit(free: bytearray, size: int, widths: Sequence[int], level: int) -> Sequence[int]:
    """The first free nodes, in the first domain that has enough."""
    width = widths[level] if level >= 0 else len(free)
    for start in range(0, len(free), width):
        if free[start : start + width].count(1) >= size:
            return _take(free, start, width, size)
    return ()


def tightest_fit(free: bytearray, size: int, widths: Sequence[int], level: int) -> Sequence[int]:
    """The narrowest domain that has enough, and of those the one with least; the first free nodes in it."""
    for width in (*reversed(widths), *(() if level >= 0 else (len(free),))):
        if level >= 0 and width > widths[level]:
            break
        rooms = ((free[start : start + width].count(1), start) for start in range(0, len(free), width))
        enough = min((room for room in rooms if room[0] >= size), default=None)
        if enough is not None:
            return _take(free, enough[1], width, size)
    return ()


def _take(free: bytearray, start: int, width: int, size: int) -> Sequence[int]:
    return list(islice((node for node in range(start, min(len(free), start + width)) if free[node]), size))


RIVALS: dict[str, Rival] = {"first fit": first_fit, "tightest fit": tightest_fit}
