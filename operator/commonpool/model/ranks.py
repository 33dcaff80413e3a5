"""Ranks as text: `0-3 7`."""

import re
from collections.abc import Iterable

_RANGE = re.compile(r"(0|[1-9][0-9]{0,9})(?:-([1-9][0-9]{0,9}))?")


def render_ranks(ranks: Iterable[int]) -> str:
    """Neighbours that follow one another are one range; empty for none."""
    ranges: list[tuple[int, int]] = []
    for rank in ranks:
        if ranges and ranges[-1][1] + 1 == rank:
            ranges[-1] = (ranges[-1][0], rank)
        else:
            ranges.append((rank, rank))
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def parse_ranks(text: str, most: int) -> list[int]:
    """The ranks, in the text's order; ValueError if it is no such text, or tells of more than `most`."""
    ranks: list[int] = []
    for part in text.split():
        found = _RANGE.fullmatch(part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if last < first:
            raise ValueError(f"`{part}` is not a rank or `first-last`")
        if last - first >= most - len(ranks):
            raise ValueError(f"more ranks than places ({most})")
        ranks += range(first, last + 1)
    return ranks
