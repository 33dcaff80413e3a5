from commonpool.bench.crowd import build_crowd, build_rush, count_accelerators
from commonpool.engine.reference import ReferenceEngine


def test_the_crowd_is_the_same_every_time_and_over_nothing() -> None:
    crowd = build_crowd(40, 24, 16, ReferenceEngine())
    assert crowd == build_crowd(40, 24, 16, ReferenceEngine())
    running = [workload for workload in crowd.workloads if workload.holdings]
    total, held = count_accelerators(crowd)
    assert 0 < held <= total
    assert 0 < len(running) <= 24
    assert sum(bool(workload.needs) for workload in crowd.workloads) == 16


def test_a_rush_finds_no_place_that_nobody_has_borrowed() -> None:
    rush = build_rush(40, 24, 8)
    assert rush == build_rush(40, 24, 8)
    total, held = count_accelerators(rush)
    assert held > total * 9 // 10
    promised = {line.tenant for line in rush.quotas if line.guaranteed}
    for workload in rush.workloads:
        assert (workload.tenant in promised) == bool(workload.needs)
    assert sum(bool(workload.needs) for workload in rush.workloads) == 8
