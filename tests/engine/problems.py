"""Random small packing problems, drawn from a `Random`: a seeded one for masses of them, Hypothesis's for ones that shrink."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from commonpool.engine.protocol import ANYWHERE, NO_DOMAIN, Amounts, Engine, Fleet, GangAnswer, GangRequest, Packing

GPU_SHAPES = (0, 100, 250, 500, 1000, 1000, 2000, 3000, 4000, 8000)


@dataclass(frozen=True, slots=True)
class Place:
    request: GangRequest
    eligible: "array[int]"


@dataclass(frozen=True, slots=True)
class Add:
    node: int
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class Problem:
    fleet: Fleet
    steps: tuple[Place | Add, ...]


def make_fleet(free: list[Amounts], *domains: list[int], classes: list[tuple[int, int, int, int, int]] | None = None) -> Fleet:
    return Fleet(
        free=array("q", [amount for node in free for amount in node]),
        levels=len(domains),
        domains=array("q", [domain for level in domains for domain in level]),
        classes=array("q", [number for fields in classes or [] for number in fields]),
    )


def make_problem(rng: Random) -> Problem:
    nodes = rng.randint(0, 12)
    kinds = [_draw_node(rng) for _ in range(rng.randint(1, 4))]
    levels = rng.randint(0, 3)
    fleet = make_fleet(
        [rng.choice(kinds) for _ in range(nodes)],
        *([rng.randint(NO_DOMAIN, max(0, nodes // (2 + level))) if nodes else 0 for _ in range(nodes)] for level in range(levels)),
        classes=[(*_draw_pod(rng), rng.randint(0, 100)) for _ in range(rng.randint(0, 4))],
    )
    fleet.domains[:] = array("q", [min(domain, nodes - 1) for domain in fleet.domains])
    return Problem(fleet, tuple(_draw_step(rng, nodes, levels) for _ in range(rng.randint(1, 6))))


def _draw_node(rng: Random) -> Amounts:
    gpu = rng.choice((0, 1000, 2000, 4000, 8000, 8000, rng.randint(-1000, 8000)))
    return gpu, rng.choice((4000, 16000, rng.randint(-500, 64000))), rng.choice((64, 128, rng.randint(0, 512))), rng.choice((3, 10, 110))


def _draw_pod(rng: Random) -> Amounts:
    pod = rng.choice(GPU_SHAPES), rng.choice((0, 500, 1000, 4000)), rng.choice((0, 1, 8, 16, 33)), rng.choice((0, 1, 1, 1))
    return pod if any(pod) else (0, 0, 0, 1)


def _draw_step(rng: Random, nodes: int, levels: int) -> Place | Add:
    if nodes and rng.randint(0, 3) == 0:
        gpu, cpu, memory, pods = _draw_pod(rng)
        sign = rng.choice((-1, 1))
        return Add(rng.randint(0, nodes - 1), (sign * gpu, sign * cpu, sign * memory, sign * pods))
    count = rng.choice((1, 2, 4, 7, 16, 1000))
    eligible = array("q", [node for node in range(nodes) if rng.randint(0, 5)])
    return Place(
        GangRequest(_draw_pod(rng), rng.randint(0, count) if count < 1000 else 1, count, rng.randint(ANYWHERE, levels - 1)), eligible
    )


def run_problem(engine: Engine, problem: Problem) -> Iterator[tuple[int, list[int], int]]:
    """Each placement's step, nodes and fit count."""
    with engine.open(problem.fleet) as packing:
        for number, step in enumerate(problem.steps):
            answer = take_step(packing, step)
            if answer is not None:
                yield number, answer.nodes.tolist(), answer.fit_count


def take_step(packing: Packing, step: Place | Add) -> GangAnswer | None:
    if isinstance(step, Place):
        return packing.place(step.request, step.eligible)
    packing.add(step.node, step.amounts)
    return None
