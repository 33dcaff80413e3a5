from commonpool.bench.crowd import build_crowd, count_accelerators
from commonpool.engine.reference import ReferenceEngine


def test_the_crowd_is_the_same_every_time_and_over_nothing() -> None:
    crowd = build_crowd(40, 24, 16, ReferenceEngine())
    assert crowd == build_crowd(40, 24, 16, ReferenceEngine())
    running = [workload for workload in crowd.workloads if workload.holdings]
    total, held = count_accelerators(crowd)
    assert 0 < held <= total
    assert 0 < len(running) <= 24
    assert sum(bool(workload.needs) for workload in crowd.workloads) == 16
