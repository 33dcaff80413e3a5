"""Quantities as Kubernetes writes them: `80Gi`, `500m`, `2`, `1e3`."""

import re
from decimal import ROUND_CEILING, Context, Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from commonpool.api.rules import Rule, guarded

_BINARY = {suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}
_DECIMAL = {suffix: Decimal(1000) ** power for power, suffix in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), start=-3)}
_NUMBER = re.compile(r"^(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?P<suffix>[KMGTPE]i|[numkMGTPE]|)$")


_CONTEXT = Context(prec=60, traps=[])
"""Raises nothing: what is beyond all bounds becomes infinite."""
MOST = Decimal(10) ** 30
"""More than there is of anything. Amounts beyond it mean the same."""


def parse_quantity(text: str | int) -> Decimal:
    """Read a quantity exactly, up to `MOST`.

    Raises ValueError for what the apiserver would refuse as well, and for nothing that it takes
    (`1e400`): who cannot read a pod does not count it.
    """
    match = _NUMBER.fullmatch(str(text))
    if match is None:
        raise ValueError(f"`{text}` is not a quantity\n\nhint: write it like `80Gi`, `500m` or `2`")
    suffix = match["suffix"]
    amount = _CONTEXT.multiply(_CONTEXT.create_decimal(match["number"]), _BINARY.get(suffix) or _DECIMAL[suffix])
    return max(-MOST, min(MOST, amount))


def parse_whole(text: str | int) -> int:
    """Read a quantity in its base unit (bytes, accelerators), rounded up as Kubernetes does."""
    return int(parse_quantity(text).to_integral_value(rounding=ROUND_CEILING))


def parse_milli(text: str | int) -> int:
    """Read a quantity in thousandths (milli-CPU), rounded up as Kubernetes does."""
    return int((parse_quantity(text) * 1000).to_integral_value(rounding=ROUND_CEILING))


def _checked(text: str) -> str:
    parse_quantity(text)
    return text


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    BeforeValidator(_number_as_text),
    AfterValidator(_checked),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "maxLength": 32,
        }
    ),
    guarded(
        Rule(
            "isQuantity(string(self)) && !string(self).startsWith('-')",
            message="this is not a quantity that one can have: write it like `80Gi`, `500m` or `2`, in one line",
            says="'`%s` is not a quantity that one can have: write it like 80Gi, 500m or 2'.format([self])",
        )
    ),
]
"""A number or a string with a suffix; kept as the text that was written."""
