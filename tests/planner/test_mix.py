"""What the packing engine is told of the work to come."""

from dataclasses import replace

from tests.builders import Held, make_workload
from tests.planner.situations import make_situation

from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked
from commonpool.planner.fleet import _build_classes


def test_work_that_may_not_run_says_nothing_of_the_work_to_come() -> None:
    suspended = make_workload("parked", replicas=2048, gpus=1, cpu_milli=128_000)
    suspended = replace(suspended, blocked=Blocked(Reason.SUSPENDED_BY_OWNER, "its owner has suspended it"))
    honest = make_workload("honest", replicas=2, gpus=8, held=(Held("h100-0000"),))
    alone = make_situation(honest, nodes=2)
    assert list(_build_classes(make_situation(honest, suspended, nodes=2).workloads)) == list(_build_classes(alone.workloads))
    assert len(list(_build_classes(alone.workloads))) == 5  # a shape of four amounts, and its weight
