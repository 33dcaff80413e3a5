"""Money: a decimal string and a currency, never a float."""

import re
from typing import Annotated

from pydantic import Field

from commonpool.api.resource import Model
from commonpool.api.rules import Rule, guarded

MICRO = 1_000_000
AMOUNT_PATTERN = "^[0-9]{1,12}([.][0-9]{1,6})?$"

Amount = Annotated[
    str,
    Field(min_length=1, max_length=19),
    guarded(
        Rule(
            f"self.matches('{AMOUNT_PATTERN}')",
            says="'`' + self + '` is not an amount of money: write a decimal that is not negative, between quotes, like \"2.40\"'",
        )
    ),
]
"""An amount that a person writes, e.g. "2.40"."""

Currency = Annotated[
    str,
    Field(min_length=1, max_length=16),
    guarded(
        Rule(
            "self.matches('^[A-Z]{3}$')",
            says="'`' + self + '` is not a currency: write its three capital letters (ISO 4217), like EUR or USD'",
        )
    ),
]


def parse_micro(amount: str) -> int:
    """Read an amount in millionths, exactly: prices and costs are counted in whole numbers."""
    if re.fullmatch(AMOUNT_PATTERN, amount) is None:
        raise ValueError(f"`{amount}` is not an amount of money\n\nhint: write a decimal that is not negative, like `2.40`")
    whole, _, fraction = amount.partition(".")
    return int(whole) * MICRO + int(fraction.ljust(6, "0"))


def render_micro(micro: int) -> str:
    """Write millionths as an amount, with at least two decimals, e.g. 2400000 as `2.40`."""
    whole, fraction = divmod(micro, MICRO)
    digits = f"{fraction:06d}".rstrip("0")
    return f"{whole}.{digits.ljust(2, '0')}"


class Money(Model):
    """An amount in a currency."""

    amount: Annotated[str, Field(max_length=32)]
    """The amount as a decimal, e.g. "12.50"."""
    currency: Annotated[str, Field(max_length=16)]
    """The currency's three letters (ISO 4217), e.g. EUR."""
