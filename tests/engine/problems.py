"""Random small packing problems, drawn from a `Random`: a seeded one for masses of them, Hypothesis's for ones that shrink."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
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


def make_fleet(
    free: list[Amounts],
    *domains: list[int],
    classes: list[tuple[int, int, int, int, int]] | None = None,
    capacity: list[Amounts] | None = None,
) -> Fleet:
    return Fleet(
        free=array("q", [amount for node in free for amount in node]),
        capacity=array("q", [amount for node in capacity or free for amount in node]),
        levels=len(domains),
        domains=array("q", [domain for level in domains for domain in level]),
        classes=array("q", [number for fields in classes or [] for number in fields]),
    )


def make_problem(rng: Random) -> Problem:
    nodes = rng.randint(0, 12)
    kinds = [_draw_node(rng) for _ in range(rng.randint(1, 4))]
    capacity = [rng.choice(kinds) for _ in range(nodes)]
    domains = _draw_domains(rng, nodes, rng.randint(0, 4))
    fleet = make_fleet(
        [kind if rng.randint(0, 2) else _draw_node(rng) for kind in capacity],
        *domains,
        classes=[(*_draw_pod(rng), rng.randint(0, 100)) for _ in range(rng.randint(0, 4))],
        capacity=capacity,
    )
    return Problem(fleet, tuple(_draw_step(rng, nodes, len(domains)) for _ in range(rng.randint(1, 6))))


def make_conversation(rng: Random) -> Problem:
    """Many questions that come again and again, of many sizes, between changes here and there: what an engine remembers is used."""
    nodes = rng.randint(10, 60)
    kinds = [_draw_node(rng) for _ in range(rng.randint(1, 3))]
    capacity = [rng.choice(kinds) for _ in range(nodes)]
    domains = _draw_domains(rng, nodes, rng.randint(0, 3))
    classes = [(*_draw_pod(rng), rng.randint(0, 100)) for _ in range(rng.randint(0, 3))]
    fleet = make_fleet([kind if rng.randint(0, 3) else _draw_node(rng) for kind in capacity], *domains, classes=classes, capacity=capacity)
    sites = [array("q", range(nodes)), array("q", [node for node in range(nodes) if rng.randint(0, 3)])]
    questions = [_draw_request(rng, len(domains)) for _ in range(rng.randint(2, 6))]
    steps: list[Place | Add] = []
    for _ in range(rng.randint(10, 25)):
        question = rng.choice(questions)
        count = rng.choice((1, 1, 2, 5, 8, 24))
        steps.append(Place(replace(question, min_count=rng.randint(0, count), count=count), rng.choice(sites)))
        steps += [_draw_add(rng, nodes) for _ in range(rng.choice((0, 1, 3)))]
        if rng.randint(0, 9) == 0:
            sites.append(array("q", [node for node in range(nodes) if rng.randint(0, 5)]))
    return Problem(fleet, tuple(steps))


def _draw_domains(rng: Random, nodes: int, levels: int) -> list[list[int]]:
    """Nested, with gaps, in any order, or neatly sorted as the planner's are."""
    around: list[tuple[int, ...]] = [() for _ in range(nodes)]
    rows: list[list[int]] = []
    ragged = rng.random() < 0.3
    for _ in range(levels):
        width = rng.randint(1, 3)
        row: list[int] = []
        numbers = rng.sample(range(nodes), nodes)
        known: dict[tuple[int, ...], int] = {}
        for node in range(nodes):
            part = rng.randrange(width) if ragged else node * width * len(rows) // nodes + node * width // nodes
            inside = (*around[node], part)
            none = ragged and rng.random() < 0.2
            row.append(NO_DOMAIN if none else known.setdefault(inside, numbers[len(known)]))
            around[node] = (*around[node], row[-1])
        rows.append(row)
    return rows


def _draw_node(rng: Random) -> Amounts:
    gpu = rng.choice((0, 1000, 2000, 4000, 8000, 8000, rng.randint(-1000, 8000)))
    return gpu, rng.choice((4000, 16000, rng.randint(-500, 64000))), rng.choice((64, 128, rng.randint(0, 512))), rng.choice((3, 10, 110))


def _draw_pod(rng: Random) -> Amounts:
    pod = rng.choice(GPU_SHAPES), rng.choice((0, 500, 1000, 4000)), rng.choice((0, 1, 8, 16, 33)), rng.choice((0, 1, 1, 1))
    return pod if any(pod) else (0, 0, 0, 1)


def _draw_step(rng: Random, nodes: int, levels: int) -> Place | Add:
    if nodes and rng.randint(0, 3) == 0:
        return _draw_add(rng, nodes)
    eligible = array("q", [node for node in range(nodes) if rng.randint(0, 5)])
    return Place(_draw_request(rng, levels), eligible)


def _draw_add(rng: Random, nodes: int) -> Add:
    gpu, cpu, memory, pods = _draw_pod(rng)
    sign = rng.choice((-1, 1))
    return Add(rng.randint(0, nodes - 1), (sign * gpu, sign * cpu, sign * memory, sign * pods))


def _draw_request(rng: Random, levels: int) -> GangRequest:
    pod = _draw_pod(rng)
    count = rng.choice((1, 2, 4, 6, 8, 16, 1000)) if any(pod[:2]) else rng.choice((1, 7))
    level = rng.randint(ANYWHERE, levels - 1)
    segment, segment_level, spread_level, min_domains, max_skew = 1, ANYWHERE, ANYWHERE, 0, 0
    if levels and rng.random() < 0.3:
        segment, segment_level = rng.choice((2, 3, 4)), rng.randint(max(level, 0), levels - 1)
    narrowest = segment_level if segment > 1 else levels - 1
    if level < narrowest and rng.random() < 0.4:
        spread_level, min_domains, max_skew = rng.randint(level + 1, narrowest), rng.randint(1, 3), rng.choice((0, 0, 1, 2))
    return GangRequest(
        pod,
        rng.randint(0, count) if count < 1000 else 1,
        count,
        level,
        preferred=rng.randint(ANYWHERE, levels - 1),
        segment=segment,
        segment_level=segment_level,
        spread_level=spread_level,
        min_domains=min_domains,
        max_skew=max_skew,
    )


def run_problem(engine: Engine, problem: Problem) -> Iterator[tuple[int, list[int], int]]:
    """Each placement's step, nodes and fit count. Nodes that are the same object are selected once."""
    sites: dict[int, int] = {}
    with engine.open(problem.fleet) as packing:
        for number, step in enumerate(problem.steps):
            answer = take_step(packing, step, sites)
            if answer is not None:
                yield number, answer.nodes.tolist(), answer.fit_count


def take_step(packing: Packing, step: Place | Add, sites: dict[int, int] | None = None) -> GangAnswer | None:
    if isinstance(step, Place):
        known = {} if sites is None else sites
        site = known.get(id(step.eligible))
        if site is None:
            site = known[id(step.eligible)] = packing.select(step.eligible)
        return packing.place(step.request, site)
    packing.add(step.node, step.amounts)
    return None
