"""Names and words with their bounds, as the fields of all kinds use them."""

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from commonpool.api.rules import Spelling

LABEL_PATTERN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
SUBDOMAIN_PATTERN = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
KEY_PATTERN = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"

_ENDS = "a letter or digit first and last"

Label = Annotated[str, Field(min_length=1, max_length=63, pattern=LABEL_PATTERN)]
"""A DNS label as the operator writes it: nobody needs a sentence if it is none, and a pattern costs the apiserver less."""

Name = Annotated[Label, Spelling("name", f"use lower-case letters, digits and dashes, {_ENDS}")]
"""A DNS label as people write it: the name of a pool, tenant, workload or namespace."""

Subdomain = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=SUBDOMAIN_PATTERN),
    Spelling("name", f"use lower-case letters, digits, dashes and dots, {_ENDS}"),
]
"""A DNS subdomain: the name of most other Kubernetes objects."""

Key = Annotated[
    str,
    Field(min_length=1, max_length=317, pattern=KEY_PATTERN),
    Spelling("key", "write it like example.com/name, with letters, digits, dashes, dots and underscores"),
]
"""A qualified name: the key of a label, or a resource name."""

Word = Annotated[
    str,
    Field(min_length=1, max_length=63, pattern="^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"),
    Spelling("word", f"use letters, digits, dashes, dots and underscores, {_ENDS}"),
]
"""An open word, e.g. a vendor or a model."""

Sentence = Annotated[str, Field(max_length=1024)]
"""Text for people, written by the operator."""

MOST_COUNTED = 10_000_000


def _cap(number: object) -> object:
    return min(number, MOST_COUNTED) if isinstance(number, int) else number


Count = Annotated[int, Field(ge=0, le=MOST_COUNTED), BeforeValidator(_cap)]
"""How many accelerators, replicas or nodes, in a status. Tenants may ask for any number: one beyond the bound is told as the bound."""

Total = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""A number that only grows; every JSON reader still holds it exactly."""

Tier = Literal["Guaranteed", "Standard", "Spot"]
Prefer = Literal["ListOrder", "Fastest", "Cheapest", "BestValue"]
Precision = Literal["fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "fp4", "int8"]
PRECISIONS: tuple[str, ...] = get_args(Precision)
