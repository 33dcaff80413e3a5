"""What must hold for every answer of every engine, by a second way of counting that is too slow to be wrong."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.problems import Add, Place, Problem, make_problem, run_problem, take_step

from commonpool.engine.protocol import AMOUNTS, ANYWHERE, CLASS_FIELDS, NO_DOMAIN, Amounts, Engine, Fleet, GangAnswer

problems = st.randoms(use_true_random=False).map(make_problem)
laws = settings(max_examples=120, deadline=None)

Free = list[list[int]]


def count_units(free: list[int], pod: Amounts, at_most: int) -> int:
    left, fit = list(free), 0
    while fit < at_most and all(have >= need or need == 0 for have, need in zip(left, pod, strict=True)):
        left = [have - need for have, need in zip(left, pod, strict=True)]
        fit += 1
    return fit


def find_domain(fleet: Fleet, level: int, node: int) -> int:
    return 0 if level == ANYWHERE else fleet.domains[level * fleet.nodes + node]


def placements(engine: Engine, problem: Problem) -> Iterator[tuple[Free, Place, GangAnswer]]:
    """Each placement with what was free before it, by our own book."""
    flat = problem.fleet.free
    free = [flat[start : start + AMOUNTS].tolist() for start in range(0, len(flat), AMOUNTS)]
    with engine.open(problem.fleet) as packing:
        for step in problem.steps:
            answer = take_step(packing, step)
            if isinstance(step, Place):
                assert answer is not None
                yield [list(node) for node in free], step, answer
                for node in answer.nodes:
                    free[node] = [have - need for have, need in zip(free[node], step.request.amounts, strict=True)]
            else:
                free[step.node] = [have + more for have, more in zip(free[step.node], step.amounts, strict=True)]


@given(problem=problems)
@laws
def test_no_node_is_given_more_than_it_has(engine: Engine, problem: Problem) -> None:
    for free, step, answer in placements(engine, problem):
        for node, pods in Counter(answer.nodes).items():
            assert count_units(free[node], step.request.amounts, pods) == pods


@given(problem=problems)
@laws
def test_a_gang_is_placed_whole_or_not_at_all_on_eligible_nodes_of_one_domain(engine: Engine, problem: Problem) -> None:
    for _, step, answer in placements(engine, problem):
        nodes = answer.nodes.tolist()
        assert not nodes or step.request.min_count <= len(nodes) <= step.request.count
        assert set(nodes) <= set(step.eligible)
        domains = {find_domain(problem.fleet, step.request.level, node) for node in nodes}
        assert len(domains) <= 1
        assert NO_DOMAIN not in domains


@given(problem=problems)
@laws
def test_fit_count_is_what_is_placed_and_without_further_wishes_the_most_that_one_domain_takes(engine: Engine, problem: Problem) -> None:
    for free, step, answer in placements(engine, problem):
        request = step.request
        assert len(answer.nodes) == (answer.fit_count if answer.fit_count >= request.min_count else 0)
        fits: defaultdict[int, int] = defaultdict(int)
        for node in step.eligible:
            fits[find_domain(problem.fleet, request.level, node)] += count_units(free[node], request.amounts, request.count)
        fits.pop(NO_DOMAIN, None)
        most = min(request.count, max(fits.values(), default=0))
        assert answer.fit_count <= most
        if request.segment == 1 and request.spread_level == ANYWHERE:
            assert answer.fit_count == most


@given(problem=problems)
@laws
def test_the_same_problem_has_the_same_answer(engine: Engine, problem: Problem) -> None:
    assert list(run_problem(engine, problem)) == list(run_problem(engine, problem))


@given(problem=problems, order=st.randoms(use_true_random=False))
@laws
def test_the_order_of_the_classes_does_not_matter(engine: Engine, problem: Problem, order: Random) -> None:
    fleet = problem.fleet
    classes = [fleet.classes[start : start + CLASS_FIELDS] for start in range(0, len(fleet.classes), CLASS_FIELDS)]
    order.shuffle(classes)
    shuffled = replace(fleet, classes=array("q", [number for fields in classes for number in fields]))
    assert list(run_problem(engine, Problem(shuffled, problem.steps))) == list(run_problem(engine, problem))


@given(problem=problems)
@laws
def test_the_numbers_of_domains_do_not_matter(engine: Engine, problem: Problem) -> None:
    fleet = problem.fleet
    turned = array("q", [domain if domain == NO_DOMAIN else fleet.nodes - 1 - domain for domain in fleet.domains])
    renumbered = Problem(replace(fleet, domains=turned), problem.steps)
    assert list(run_problem(engine, renumbered)) == list(run_problem(engine, problem))


@given(problem=problems)
@laws
def test_nodes_that_are_not_eligible_do_not_matter(engine: Engine, problem: Problem) -> None:
    step = next((step for step in problem.steps if isinstance(step, Place)), None)
    if step is None:
        return
    free = array("q", problem.fleet.free)
    for node in set(range(problem.fleet.nodes)) - set(step.eligible):
        free[node * AMOUNTS : (node + 1) * AMOUNTS] = array("q", [1000, 1000, 1000, 1000])
    changed = Fleet(free, problem.fleet.capacity, problem.fleet.levels, problem.fleet.domains, problem.fleet.classes)
    assert list(run_problem(engine, Problem(changed, (step,)))) == list(run_problem(engine, Problem(problem.fleet, (step,))))


@given(problem=problems)
@laws
def test_giving_back_what_was_placed_restores_the_packing(engine: Engine, problem: Problem) -> None:
    with engine.open(problem.fleet) as packing:
        for step in problem.steps:
            if isinstance(step, Add):
                packing.add(step.node, step.amounts)
                continue
            site = packing.select(step.eligible)
            first = packing.place(step.request, site)
            gpu, cpu, memory, pods = step.request.amounts
            for node, placed in Counter(first.nodes).items():
                packing.add(node, (gpu * placed, cpu * placed, memory * placed, pods * placed))
            assert packing.place(step.request, site) == first
