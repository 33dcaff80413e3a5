"""Money: a decimal string and a currency, never a float."""

from typing import Annotated

from pydantic import Field

from commonpool.api.resource import Model
from commonpool.api.rules import Rule, guarded

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


class Money(Model):
    """An amount in a currency."""

    amount: Annotated[str, Field(max_length=32)]
    """The amount as a decimal, e.g. "12.50"."""
    currency: Annotated[str, Field(max_length=16)]
    """The currency's three letters (ISO 4217), e.g. EUR."""
