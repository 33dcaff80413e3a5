"""Between two rounds time alone changes nothing: what a plan says it says until the next instant that is due."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import START_AT, Held, make_node, make_pool, make_quota, make_tenant, make_workload
from tests.planner.worlds import snapshots

from commonpool.engine.reference import ReferenceEngine
from commonpool.model.assume import assume_plan
from commonpool.model.snapshot import Snapshot, Workload, build_snapshot
from commonpool.planner import plan_round
from commonpool.planner.due import find_next_due

ENGINE = ReferenceEngine()
NODES = 3
LONG_SECONDS = 100_000
"""For which nothing may change where nothing is due."""
ROUNDS = 8
SECONDS = st.sampled_from((0, 1, 2, 60, 600, 1795))


@st.composite
def queues(draw: st.DrawFn) -> Snapshot:
    """Those who borrow, those who will, and those who wait for what they are guaranteed, or for what they like."""

    def draw_borrower(index: int) -> Workload:
        node, gpus = index // 2, 4
        held = (Held(f"n{node}"),) if draw(st.booleans()) else ()
        return make_workload(f"b{index}", gpus=gpus, held=held, started=draw(SECONDS), min_runtime=draw(SECONDS), age=draw(SECONDS))

    def draw_claim(index: int) -> Workload:
        pools = draw(st.sampled_from((("h100",), ("h100", "a100"))))
        replicas, patience = draw(st.integers(1, 2)), draw(SECONDS)
        return make_workload(f"c{index}", tenant="nlp", replicas=replicas, pools=pools, patience=patience, age=draw(SECONDS))

    return build_snapshot(
        now_at=START_AT,
        epoch=1,
        number=1,
        pools=[make_pool(), make_pool("a100")],
        nodes=[*(make_node(f"n{index}") for index in range(NODES)), make_node("a0", pool="a100")],
        tenants=[make_tenant("vision"), make_tenant("nlp")],
        quotas=[make_quota("nlp", guaranteed=draw(st.sampled_from((0, 16))))],
        workloads=[*map(draw_borrower, range(2 * NODES)), *map(draw_claim, range(draw(st.integers(1, 2))))],
    )


@settings(max_examples=250, deadline=None)
@given(snapshots() | queues(), st.floats(0, 1))
def test_a_plan_says_the_same_until_the_next_instant_that_is_due(snapshot: Snapshot, share: float) -> None:
    """Round after round, each at the instant that the one before found: neither in the last second before it nor at any other."""
    for _ in range(ROUNDS):
        plan = plan_round(snapshot, ENGINE)
        due_at, now_at = find_next_due(snapshot, plan), snapshot.now_at
        last_at = now_at + LONG_SECONDS if due_at is None else due_at - 1
        snapshot = assume_plan(snapshot, plan)
        told = plan_round(snapshot, ENGINE)
        for at in {now_at + int((last_at - now_at) * share), last_at} - {now_at}:
            assert plan_round(replace(snapshot, now_at=at), ENGINE) == told, f"{at - now_at} s later, and due after {due_at}"
        if due_at is None:
            break
        snapshot = replace(snapshot, now_at=due_at)
