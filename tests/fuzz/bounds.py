"""Every bound of every field that people write, each broken once: from one manifest a kind that says everything there is to say."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from random import Random

from tests.fuzz.agree import WAYS, agree
from tests.fuzz.draw import Drawer
from tests.fuzz.schemas import CLUSTER_KINDS, read_schemas
from tests.fuzz.spoil import Spot, find_spots, find_values_beyond
from tests.fuzz.words import Town, build_words

from commonpool.local.client import Manifest
from commonpool.model.names import API_VERSION

KINDS = (*CLUSTER_KINDS, *(f"GPUWorkload {way}" for way in WAYS))
NO_WORD = "-No\nWord-"
"""No name, no key, no quantity, in no enum; with a line break, that must not hide the sentence."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A manifest in which one bound is broken; the refusal must name the field."""

    field: str
    what: str
    manifest: Manifest


def build_whole(kind: str) -> Manifest:
    """A right manifest of one of `KINDS` with every field that goes together."""
    name, _, way = kind.partition(" ")
    random = Random(kind)  # noqa: S311 -- to be the same again is what is wanted
    words = {**build_words(Town()), "priorityClassName": ("high",), "resourceName": ("nvidia.com/gpu",), "name": ("alice",)}
    spec = Drawer(random, words, whole=True).draw(read_schemas()[name])
    for other in {*WAYS, "tracked"} - {way}:
        spec.pop(other, None)
    if name == "GPUPool":
        del spec["deviceClassName"]
    manifest: Manifest = {"apiVersion": API_VERSION, "kind": name, "metadata": {"name": "whole"}, "spec": spec}
    agree(manifest, random)
    return manifest


def break_each_bound(kind: str) -> Iterator[Broken]:
    """All of a kind; templates once only, in training."""
    manifest = build_whole(kind)
    for spot in list(find_spots(manifest, "spec", read_schemas()[manifest["kind"]])):
        if "template" in spot.path and not kind.endswith("training"):
            continue
        for what, value in _find_wrong(spot):
            before = spot.value
            spot.put(value)
            yield Broken(spot.field, what, deepcopy(manifest))
            spot.put(before)
        for name in spot.schema.get("required", ()):
            before = spot.value
            spot.put({key: part for key, part in before.items() if key != name})
            yield Broken(name, "missing", deepcopy(manifest))
            spot.put(before)


def _find_wrong(spot: Spot) -> Iterator[tuple[str, object]]:
    for value in find_values_beyond(spot):
        yield f"beyond its bound, {str(value)[:20]!r}", value
    if "enum" in spot.schema or spot.schema.get("x-kubernetes-int-or-string") or spot.schema.get("format") == "date-time":
        yield "no such word", NO_WORD
    elif spot.schema.get("type") == "string" and "x-kubernetes-validations" in spot.schema:
        yield "badly spelt", NO_WORD
    if spot.schema.get("format") != "date-time":  # there the apiserver takes a list, and the operator says that it cannot be read
        yield "of another type", [7] if spot.schema.get("type") != "array" else 7.5
