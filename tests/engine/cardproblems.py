"""Random small problems of packing onto cards, as `problems` has them for gangs."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from commonpool.engine.cards import NOWHERE, CardClass, CardFleet, CardPacking, CardPod, Places

MEMORY = 1 << 20


@dataclass(frozen=True, slots=True)
class CardProblem:
    fleet: CardFleet
    pods: tuple[CardPod, ...]
    gives: tuple[bool, ...]
    """Of each pod: whether an earlier one that was placed goes before it comes."""


def make_card_fleet(nodes: Sequence[tuple[int, int, int, int, tuple[int, ...]]], classes: list[CardClass], rounds: int) -> CardFleet:
    return CardFleet(
        nodes=array("q", [number for *amounts, milli in nodes for number in (*amounts, len(milli))]),
        milli=array("q", [free for *_, milli in nodes for free in milli]),
        classes=array("q", [number for known in classes for number in known]),
        rounds=rounds,
    )


def make_card_problem(rng: Random) -> CardProblem:
    classes = [_draw_class(rng) for _ in range(rng.randint(0, 4))]
    nodes = [_draw_node(rng) for _ in range(rng.randint(1, 4))]
    fleet = make_card_fleet([rng.choice(nodes) for _ in range(rng.randint(1, 7))], classes, rng.randint(0, 3))
    pods = tuple(_draw_pod(rng, classes) for _ in range(rng.randint(1, 20)))
    return CardProblem(fleet, pods, tuple(rng.randint(0, 4) == 0 for _ in pods))


def run_card_problem(packing: CardPacking, problem: CardProblem) -> Places:
    """Where each pod went; a pod that goes again is the one that was placed first."""
    held: list[tuple[int, CardPod, int]] = []
    places: Places = []
    for pod, gives in zip(problem.pods, problem.gives, strict=True):
        if gives and held:
            packing.give(*held.pop(0))
        [(node, cards)] = packing.place(array("q", pod))
        if node != NOWHERE:
            held.append((node, pod, cards))
        places.append((node, cards))
    return places


def _draw_node(rng: Random) -> tuple[int, int, int, int, tuple[int, ...]]:
    cards = rng.choice((0, 1, 2, 4, 8, 8, 16))
    part = rng.randint(0, 2) == 0
    milli = tuple(rng.choice((0, 190, 530, 1000, rng.randint(0, 1000))) if part else 1000 for _ in range(cards))
    return (
        rng.choice((8000, 32000, 96000, rng.randint(0, 1 << 50))),
        rng.choice((10, 100)),
        rng.choice((1, 5, 110)),
        rng.randint(0, 3),
        milli,
    )


def _draw_class(rng: Random) -> CardClass:
    pod = _draw_shape(rng)
    return CardClass(pod.cpu_milli, pod.cards, pod.milli, pod.models, rng.choice((1, 5, 100, rng.randint(1, 10_000))))


def _draw_pod(rng: Random, classes: list[CardClass]) -> CardPod:
    if classes and rng.randint(0, 2):
        known = rng.choice(classes)
        return CardPod(known.cpu_milli, rng.choice((0, 1, 20)), known.cards, known.milli, known.models)
    return _draw_shape(rng)


def _draw_shape(rng: Random) -> CardPod:
    cards = rng.choice((0, 1, 1, 1, 1, 2, 4, 8))
    milli = 0 if not cards else 1000 if cards > 1 or rng.randint(0, 2) == 0 else rng.choice((160, 320, 470, 810, rng.randint(1, 999)))
    models = rng.choice((0, 0, 0, 1, 6, 1 << 40))
    return CardPod(rng.choice((0, 500, 4000, 11_300, 88_000)), rng.choice((0, 1, 4, 50)), cards, milli, models)
