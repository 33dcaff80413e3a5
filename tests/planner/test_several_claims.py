"""Law 7 for several claims in one round: what a victim gives back is used, where the claims have been given room.

Each claim is served by the least that it needs at its turn, and what later claims leave over is given back in the end. Nobody
is asked whose places are left over then. But a claim stays on the nodes that it got: had it been moved to what a later
victim leaves over beside another claim, an earlier victim might have kept its places. So of several claims, "no victim
could be put back" is exact without moving a claim, and not with it.
"""

import random
from collections import Counter
from typing import Any

import pytest
from tests.builders import Held, make_quota, make_workload
from tests.planner.situations import make_situation, plan

from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Snapshot
from commonpool.planner.reclaim import Reclaim

BORROWERS = ("amber", "birch", "cedar")
OWNERS = ("dahlia", "elder")


def make_rush(seed: int) -> Snapshot:
    """Up to eight nodes, held by halves by three tenants who are guaranteed nothing, and up to five claims of two others."""
    dice = random.Random(seed)  # noqa: S311 nothing is hidden by it
    workloads = [
        make_workload(f"claim{index}", tenant=dice.choice(OWNERS), replicas=dice.randint(1, 3), gpus=dice.choice((2, 4, 8)))
        for index in range(dice.randint(2, 5))
    ]
    at, nodes = 0, dice.randint(3, 8)
    halves = dice.sample(range(2 * nodes), 2 * nodes)
    while at < len(halves):
        size = min(dice.randint(1, 4), len(halves) - at)
        held = tuple(Held(f"h100-{half // 2:04}") for half in halves[at : at + size])
        least = dice.randint(1, size)
        elastic = dice.random() < 0.5
        workloads.append(
            make_workload(
                f"w{at:02}",
                tenant=dice.choice(BORROWERS),
                gpus=4,
                replicas=least if elastic else size,
                most=size if elastic else None,
                held=held,
                started=dice.randint(1, 7000),
            )
        )
        at += size
    return make_situation(*workloads, nodes=nodes, quotas=[make_quota(owner, guaranteed=48) for owner in OWNERS])


def test_nobody_is_asked_whose_places_are_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()
    spare = Reclaim.spare

    def check(reclaim: Any) -> None:  # noqa: ANN401 its insides are looked at
        spare(reclaim)
        for units in reclaim._chosen.values():  # noqa: SLF001 what is chosen stands nowhere else
            for unit in units[-1:]:
                seen["victims"] += 1
                assert not reclaim._draft.outlook.has_room(unit.tenant, unit.holdings)  # noqa: SLF001

    monkeypatch.setattr(Reclaim, "spare", check)
    for seed in range(300):
        decided = plan(make_rush(seed))
        served = sum(hold.reason is Reason.WAITS_FOR_RECLAIM for hold in decided.hold)
        seen["several"] += served > 1 and bool(decided.shrink or decided.evict)
    assert seen["several"] > 100
    assert seen["victims"] > 300
