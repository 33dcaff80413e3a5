from pathlib import Path

import pytest

from commonpool.cycle import Cycle
from commonpool.live.recorder import MOST_FILES, Recorder
from commonpool.model.amounts import Amounts
from commonpool.model.ids import ChildKey, PoolName, TenantName, WorkloadName
from commonpool.model.plan import Evict, Place, Plan
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import build_snapshot
from commonpool.sim.replay import parse_recording


def make_eviction(number: int) -> Cycle:
    """It writes no Round."""
    evict = Evict(WorkloadName("dev/old"), ChildKey("Job", "dev", "old"), Reason.RECLAIMED_FOR_GUARANTEE, "its places are needed")
    return Cycle(build_snapshot(now_at=0, epoch=1, number=number), Plan(1, number, evict=(evict,)))


def make_cycle(number: int, *, places: bool = True) -> Cycle:
    place = Place(
        workload=WorkloadName("dev/train"),
        child=ChildKey("Job", "dev", "train"),
        tenant=TenantName("vision"),
        pool=PoolName("h100"),
        resource_name="nvidia.com/gpu",
        shape=Amounts(gpu_milli=1000),
        entries=(),
        why=Reason.SHARED,
    )
    return Cycle(build_snapshot(now_at=0, epoch=1, number=number), Plan(1, number, (place,) if places else ()))


def test_a_round_that_placed_something_is_kept_and_can_be_read_again(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.keep(make_cycle(1))
    recorder.keep(make_cycle(2, places=False))
    [kept] = tmp_path.iterdir()
    assert parse_recording(kept.read_text(encoding="utf-8")).plan == make_cycle(1).plan


def test_a_round_that_leaves_its_number_to_the_next_is_kept_beside_it(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    cycles = [make_eviction(1), make_eviction(1), make_cycle(1), make_cycle(2)]
    for cycle in cycles:
        recorder.keep(cycle)
    kept = [parse_recording(path.read_text(encoding="utf-8")).plan for path in sorted(tmp_path.iterdir())]
    assert kept == [cycle.plan for cycle in cycles]


def test_only_the_newest_are_kept_also_over_the_lives_of_a_process(tmp_path: Path) -> None:
    for number in range(1, MOST_FILES + 3):
        if number % 10 == 1:
            recorder = Recorder(tmp_path)
        recorder.keep(make_cycle(number))
    assert len(list(tmp_path.iterdir())) == MOST_FILES
    assert not (tmp_path / "round-000001-0000000002-001.json").exists()


def test_nothing_is_kept_where_no_folder_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Recorder(None).keep(make_cycle(1))
    assert not list(tmp_path.iterdir())
