"""Colours that stay apart for every eye, on light and on dark ground.

The set of Okabe and Ito (jfly.uni-koeln.de/color, 2008) without its black; it is the usual one for eyes that see red and
green alike. Colour never stands alone: every tile tells its tenants by name, and states differ in pattern.
"""

from collections.abc import Sequence

from commonpool.cli.picture.scene import Holder

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
OTHERS = len(COLOURS)
"""The colour number of all tenants for whom none is left."""
OTHERS_COLOUR = "#9A9A9A"


def choose_colours(holders: Sequence[Holder]) -> dict[str, int]:
    """A colour number a tenant: by name, and if there are more tenants than colours, for those that hold most."""
    chosen = sorted(sorted(holders, key=lambda holder: (-holder.milli, holder.name))[: len(COLOURS)], key=lambda holder: holder.name)
    numbers = {holder.name: number for number, holder in enumerate(chosen)}
    return {holder.name: numbers.get(holder.name, OTHERS) for holder in holders}
