"""How many replicas, from and to: what all work that has a size of its own to choose may say."""

from typing import Any, ClassVar

from pydantic import model_validator

from commonpool.api.resource import Model
from commonpool.api.rules import Rule

ORDERED = Rule(
    "self.min <= self.max",
    says="'max `%d` is less than min `%d`: lower min or raise max'.format([self.max, self.min])",
)


class Range(Model):
    """`min` and `max`, which the kinds of work declare with their own bounds. A plain number is both."""

    rules: ClassVar[tuple[Rule, ...]] = (ORDERED,)

    @model_validator(mode="before")
    @classmethod
    def _number_is_min_and_max(cls, value: Any) -> Any:  # noqa: ANN401 -- what comes from outside may be anything
        return {"min": value, "max": value} if isinstance(value, int) and not isinstance(value, bool) else value
