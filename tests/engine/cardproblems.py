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


Rows = Sequence[tuple[int, int, int]]
"""Placements: the model, the profile, the slices."""


def make_card_fleet(
    nodes: Sequence[tuple[int, int, int, int, tuple[int, ...]]], classes: list[CardClass], rounds: int, placements: Rows = ()
) -> CardFleet:
    return CardFleet(
        nodes=array("q", [number for *amounts, milli in nodes for number in (*amounts, len(milli))]),
        milli=array("q", [free for *_, milli in nodes for free in milli]),
        classes=array("q", [number for known in classes for number in known]),
        rounds=rounds,
        placements=array("q", [number for row in placements for number in row]),
    )


def make_mig(model: int) -> Rows:
    """NVIDIA's A100 and H100: 1 to 7 are 1g, 1g with media engines, 1g of twice the memory, 2g, 3g, 4g, 7g; engines are a ninth slice."""
    sevenths = tuple(range(7))
    sizes = {1: (1, sevenths), 2: (1, sevenths), 3: (2, (0, 2, 4, 6)), 4: (2, (0, 2, 4)), 5: (4, (0, 4)), 6: (4, (0,)), 7: (8, (0,))}
    return [
        (model, profile, ((1 << size) - 1) << start | (profile in {2, 7}) << 8)
        for profile, (size, starts) in sizes.items()
        for start in starts
    ]


def make_card_problem(rng: Random) -> CardProblem:
    placements = _draw_placements(rng)
    profiles = sorted({profile for _, profile, _ in placements})
    classes = [_draw_class(rng, profiles) for _ in range(rng.randint(0, 4))]
    nodes = [_draw_node(rng, placements) for _ in range(rng.randint(1, 4))]
    fleet = make_card_fleet([rng.choice(nodes) for _ in range(rng.randint(1, 7))], classes, rng.randint(0, 3), placements)
    pods = tuple(_draw_pod(rng, classes, profiles) for _ in range(rng.randint(1, 20)))
    return CardProblem(fleet, pods, tuple(rng.randint(0, 4) == 0 for _ in pods))


def _draw_placements(rng: Random) -> list[tuple[int, int, int]]:
    """Some of the models 0..3, which all problems have nodes of, are partitioned: each in a way of its own, two alike, or as NVIDIA's."""
    rows: set[tuple[int, int, int]] = set()
    for model in range(4):
        if rng.randint(0, 3):
            continue
        if rng.randint(0, 9) == 0:
            rows.update(make_mig(model))
        elif rows and rng.randint(0, 2) == 0:
            rows.update((model, profile, slices) for known, profile, slices in list(rows) if known == min(rows)[0])
        else:
            rows.update((model, rng.randint(1, 4), rng.randint(1, 31)) for _ in range(rng.randint(1, 7)))
    found = sorted(rows)
    rng.shuffle(found)
    return found


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


def _draw_node(rng: Random, placements: Rows) -> tuple[int, int, int, int, tuple[int, ...]]:
    cards, model = rng.choice((0, 1, 2, 4, 8, 8, 16)), rng.randint(0, 3)
    if placements and rng.randint(0, 1):
        model = rng.choice(placements)[0]
    part = rng.randint(0, 2) == 0
    full = 0
    for known, _, slices in placements:
        full |= slices if known == model else 0
    milli = tuple(_draw_card(rng, full, part=part) for _ in range(cards))
    return (rng.choice((8000, 32000, 96000, rng.randint(0, 1 << 50))), rng.choice((10, 100)), rng.choice((1, 5, 110)), model, milli)


def _draw_card(rng: Random, full: int, *, part: bool) -> int:
    if full:
        return full & rng.randint(0, full) if part else full
    return rng.choice((0, 190, 530, 1000, rng.randint(0, 1000))) if part else 1000


def _draw_class(rng: Random, profiles: list[int]) -> CardClass:
    pod = _draw_shape(rng, profiles)
    return CardClass(pod.cpu_milli, pod.cards, pod.milli, pod.models, pod.profile, rng.choice((1, 5, 100, rng.randint(1, 10_000))))


def _draw_pod(rng: Random, classes: list[CardClass], profiles: list[int]) -> CardPod:
    if classes and rng.randint(0, 2):
        known = rng.choice(classes)
        return CardPod(known.cpu_milli, rng.choice((0, 1, 20)), known.cards, known.milli, known.models, known.profile)
    return _draw_shape(rng, profiles)


def _draw_shape(rng: Random, profiles: list[int]) -> CardPod:
    cpu, memory, models = rng.choice((0, 500, 4000, 11_300, 88_000)), rng.choice((0, 1, 4, 50)), rng.choice((0, 0, 0, 1, 6, 1 << 40))
    if profiles and rng.randint(0, 1):
        return CardPod(cpu, memory, 1, 0, models, rng.choice((*profiles, *profiles, 63)))
    cards = rng.choice((0, 1, 1, 1, 1, 2, 4, 8))
    milli = 0 if not cards else 1000 if cards > 1 or rng.randint(0, 2) == 0 else rng.choice((160, 320, 470, 810, rng.randint(1, 999)))
    return CardPod(cpu, memory, cards, milli, models)
