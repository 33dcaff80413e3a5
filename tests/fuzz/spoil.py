"""Ways to break a manifest, or to make an honest one strange: each changes it in place at one spot.

Those of `SPOTS` look at one value and its schema; those of `WHOLE` at the manifest. What comes out may still
be right (a bound that nobody checks, a reference that somebody may make later): the cluster has to answer either way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.fuzz.schemas import Schema

from commonpool.local.client import Manifest

HOSTILE_TEXTS = (
    "",
    " ",
    "-",
    "..",
    "UPPER",
    "a" * 64,
    "a" * 300,
    "ünïcödé",
    "日本語",
    "🚀",
    "a\nb",
    "a\u0000b",
    "\u202egnp.exe",
    "`rm -rf`",
    "'; drop",
    "{{.}}",
    "%s%d%n",
    "../../etc",
    "\ud800",
    "system:masters",
    "null",
    "1e3",
    "-1",
)
HOSTILE_NUMBERS = (-1, -(2**63), 0, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 10**30, 10**400, 0.5, -0.0, 1e308, float("inf"), float("nan"))
HOSTILE_QUANTITIES = (
    "-1",
    "1e400",
    "-1e-400",
    "1ei",
    "80 Gi",
    "0x10",
    "+5",
    "\uff11",
    ".",
    "9" * 40,
    "18446744073709551624",
    "1E",
    "1Ei",
    "9" * 31,
    "1e99",
    ".5",
    "5.",
    "1n",
    "0.0000000000001",
)
FOREIGN: tuple[object, ...] = (None, True, [], {}, "text", 7, ["a"], {"a": {"b": 1}}, [[]], "")
"""One value of each type, for where another belongs."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A value in a manifest: `parent[key]`, and what its schema says."""

    parent: Any
    key: Any
    schema: Schema
    path: tuple[str, ...] = ()
    """The names of the fields that lead here."""

    @property
    def field(self) -> str:
        """The name by which a refusal calls it."""
        return next((name for name in reversed(self.path) if not name.isdigit()), "spec")

    @property
    def value(self) -> Any:  # noqa: ANN401 -- whatever JSON can say
        return self.parent[self.key]

    def put(self, value: object) -> None:
        self.parent[self.key] = value


def find_spots(parent: Any, key: object, schema: Schema, path: tuple[str, ...] = ()) -> Iterator[Spot]:  # noqa: ANN401 -- whatever JSON can say
    """This value and all below it that a schema speaks of."""
    spot = Spot(parent, key, schema, path)
    yield spot
    if isinstance(spot.value, dict):
        parts = schema.get("properties", {})
        for name in list(spot.value):
            part = parts.get(name) or schema.get("additionalProperties")
            if isinstance(part, dict):
                yield from find_spots(spot.value, name, part, (*path, name))
    elif isinstance(spot.value, list) and "items" in schema:
        for index in range(len(spot.value)):
            yield from find_spots(spot.value, index, schema["items"], (*path, str(index)))


def _wrong_type(spot: Spot, random: Random) -> bool:
    spot.put(random.choice([each for each in FOREIGN if type(each) is not type(spot.value)]))
    return True


def _beyond_a_bound(spot: Spot, random: Random) -> bool:
    ways = list(find_values_beyond(spot))
    if ways:
        spot.put(random.choice(ways))
    return bool(ways)


def find_values_beyond(spot: Spot) -> Iterator[object]:
    """One value beyond each bound that the schema sets."""
    schema = spot.schema
    if "minimum" in schema:
        yield schema["minimum"] - 1
    if "maximum" in schema:
        yield schema["maximum"] + 1
    if "maxLength" in schema and schema.get("type") == "string":
        yield "a" * (schema["maxLength"] + 1)
    if schema.get("minLength"):
        yield ""
    if "maxItems" in schema and spot.value:
        yield spot.value[:1] * (schema["maxItems"] + 1)
    if schema.get("minItems"):
        yield []
    if "maxProperties" in schema:
        yield {f"k{number}": "1" for number in range(schema["maxProperties"] + 1)}


def _a_word_that_is_none(spot: Spot, random: Random) -> bool:
    """Unknown to an enum, or against a pattern."""
    if "enum" not in spot.schema and spot.schema.get("type") != "string":
        return False
    spot.put(random.choice(HOSTILE_TEXTS))
    return True


def _an_absurd_number(spot: Spot, random: Random) -> bool:
    if spot.schema.get("type") not in {"integer", "number"}:
        return False
    spot.put(random.choice(HOSTILE_NUMBERS))
    return True


def _an_absurd_quantity(spot: Spot, random: Random) -> bool:
    if not spot.schema.get("x-kubernetes-int-or-string"):
        return False
    spot.put(random.choice((*HOSTILE_QUANTITIES, *HOSTILE_NUMBERS)))
    return True


def _something_missing(spot: Spot, random: Random) -> bool:
    required = [name for name in spot.schema.get("required", ()) if isinstance(spot.value, dict) and name in spot.value]
    if required:
        del spot.value[random.choice(required)]
    return bool(required)


def _something_unknown(spot: Spot, random: Random) -> bool:
    if not isinstance(spot.value, dict):
        return False
    spot.value[random.choice(("", "unknown", "Spec", "x" * 300, "ключ", "status", "a.b/c"))] = random.choice((*FOREIGN, 10**400))
    return True


def _huge_nesting(spot: Spot, random: Random) -> bool:
    if not isinstance(spot.value, dict):
        return False
    deep: Any = "bottom"
    for _ in range(random.choice((60, 70, 300))):
        deep = {"a": deep} if random.random() < 0.5 else [deep]
    spot.value[random.choice(("affinity", "unknown", "securityContext"))] = {"a": deep}
    return True


def _twice_the_same(spot: Spot, random: Random) -> bool:
    if not isinstance(spot.value, list) or not spot.value:
        return False
    spot.value.append(random.choice(spot.value))
    return True


def _turned_round(spot: Spot, random: Random) -> bool:
    """Two fields that bound each other change places."""
    del random
    for low, high in (("min", "max"), ("guaranteed", "limit"), ("minNodes", "maxNodes"), ("required", "preferred")):
        if isinstance(spot.value, dict) and {low, high} <= spot.value.keys():
            spot.value[low], spot.value[high] = spot.value[high], spot.value[low]
            return True
    return False


SPOTS: dict[str, Callable[[Spot, Random], bool]] = {
    "wrong type": _wrong_type,
    "beyond a bound": _beyond_a_bound,
    "a word that is none": _a_word_that_is_none,
    "an absurd number": _an_absurd_number,
    "an absurd quantity": _an_absurd_quantity,
    "something missing": _something_missing,
    "something unknown": _something_unknown,
    "huge nesting": _huge_nesting,
    "twice the same": _twice_the_same,
    "turned round": _turned_round,
}
"""Each says whether it found something to do there."""


def spoil_at_a_spot(manifest: Manifest, schema: Schema, way: str, random: Random) -> bool:
    """Break the spec in this way somewhere; False if there is nowhere to do it."""
    spots = list(find_spots(manifest, "spec", schema))
    random.shuffle(spots)
    return any(SPOTS[way](spot, random) for spot in spots)
