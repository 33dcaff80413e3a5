"""Names and words with their bounds, as the fields of all kinds use them."""

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

LABEL_PATTERN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
KEY_PATTERN = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"

Name = Annotated[str, Field(min_length=1, max_length=63, pattern=LABEL_PATTERN)]
"""A DNS label: the name of a pool, tenant, workload or namespace."""

Subdomain = Annotated[str, Field(min_length=1, max_length=253, pattern="^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
"""A DNS subdomain: the name of most other Kubernetes objects."""

Key = Annotated[str, Field(min_length=1, max_length=317, pattern=KEY_PATTERN)]
"""A qualified name: the key of a label, or a resource name."""

Word = Annotated[str, Field(min_length=1, max_length=63, pattern="^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]
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
Precision = Literal["fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "fp4", "int8"]
PRECISIONS: tuple[str, ...] = get_args(Precision)
