"""The order of things, with processes that only sleep."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from commonpool.config import Settings
from commonpool.errors import SetupError, UserError
from commonpool.local import cluster as module
from commonpool.local.binaries import Binaries
from commonpool.local.cluster import LocalCluster, Wish
from commonpool.local.fleet import parse_fleet
from commonpool.local.kubernetes import CONTROL_PLANE, Builder
from commonpool.local.pids import find_identity, find_marked
from commonpool.local.places import find_places
from commonpool.local.pool import POOL
from commonpool.local.process import Process, start_process, stop_process
from commonpool.local.real import obstacle
from commonpool.local.site import Site

NAMES = ["etcd", "apiserver", "controller-manager", "kwok", "load", "scheduler", "operator"]


class Listener:
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def advance(self, what: str, done: int, total: int) -> None:
        pass


class Stage:
    """A cluster whose processes sleep; `broken` never get ready, `flags` are their arguments."""

    def __init__(self, tmp_path: Path) -> None:
        self.broken: set[str] = set()
        self.flags: dict[str, str] = {}
        self.listener = Listener()
        self.cluster = LocalCluster(Settings(state_home=tmp_path), "it", self.listener)

    def builder(self, name: str) -> Builder:
        def build(_site: Site) -> Process:
            code = "raise SystemExit('broken')" if name in self.broken else "import time; time.sleep(600)"
            argv = [sys.executable, "-c", code, self.flags.get(name, "")]
            return Process(name, argv, lambda: name not in self.broken)

        return build

    def running(self) -> list[str]:
        return [process.name for process in self.cluster.processes() if process.state == "running"]

    def pids(self) -> dict[str, int | None]:
        return {process.name: process.pid for process in self.cluster.processes()}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    for builders in (CONTROL_PLANE, POOL, module.BUILDERS):
        for name in builders:
            monkeypatch.setitem(builders, name, stage.builder(name))
    monkeypatch.setattr(Binaries, "build_all", lambda *_, **__: None)
    monkeypatch.setattr(module, "install_chart", lambda *_: None)
    yield stage
    stage.cluster.down(delete=True)


def test_everything_starts_from_the_data_upwards_and_stops_the_other_way_round(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.cluster.up(Wish())
    assert stage.listener.said == [f"starting {name}" for name in NAMES]
    stopped: list[str] = []

    def listen(*arguments: object, **options: float) -> bool:
        stopped.append(str(arguments[1]))
        return stop_process(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "stop_process", listen)
    assert stage.cluster.down()
    assert [name for name in stopped if name in NAMES] == NAMES[::-1]


def test_up_again_keeps_what_runs_and_starts_what_died(stage: Stage) -> None:
    stage.cluster.up(Wish())
    before = stage.pids()
    stage.cluster.kill("kwok")
    assert stage.running() == [name for name in NAMES if name != "kwok"]
    stage.cluster.up(Wish())
    after = stage.pids()
    assert [name for name in NAMES if before[name] != after[name]] == ["kwok"]


def test_up_again_restarts_what_is_out_of_date(stage: Stage) -> None:
    stage.cluster.up(Wish())
    before = stage.pids()
    stage.flags["scheduler"] = "--new"
    stage.cluster.up(Wish())
    after = stage.pids()
    assert [name for name in NAMES if before[name] != after[name]] == ["scheduler"]


def test_what_leans_on_the_apiserver_is_restarted_with_it(stage: Stage) -> None:
    stage.cluster.up(Wish())
    before = stage.pids()
    stage.flags["apiserver"] = "--new"
    stage.cluster.up(Wish())
    after = stage.pids()
    assert [name for name in NAMES if before[name] != after[name]] == NAMES[1:]


def test_a_start_that_fails_leaves_nothing_of_itself(stage: Stage) -> None:
    stage.broken.add("kwok")
    with pytest.raises(SetupError, match="`kwok` ended while starting"):
        stage.cluster.up(Wish())
    assert stage.running() == []
    assert find_marked(str(stage.cluster.places.root)) == []


def test_a_start_that_fails_keeps_what_ran_before(stage: Stage) -> None:
    stage.cluster.up(Wish(pool=False))
    stage.broken.add("operator")
    with pytest.raises(SetupError, match="`operator` ended while starting"):
        stage.cluster.up(Wish(pool=True))
    assert stage.running() == NAMES[:4]


def test_machines_are_there_where_a_group_can_be_scaled(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "apply_fleet", lambda *_: None)
    monkeypatch.setattr(Site, "client", lambda _: None)
    group = {"name": "spot", "nodes": 0, "max": 2, "resources": {"cpu": 8, "memory": "1Gi", "pods": 10}}
    stage.cluster.up(Wish(fleet=parse_fleet({"groups": [group]}, "the test")))
    assert stage.running() == [*NAMES[:4], "machines", *NAMES[4:]]


def test_wishes_are_remembered(stage: Stage) -> None:
    stage.cluster.up(Wish(operator=False))
    assert stage.running() == NAMES[:-1]
    stage.cluster.down()
    stage.cluster.up(Wish())
    assert stage.running() == NAMES[:-1]
    stage.cluster.up(Wish(operator=True))
    assert stage.running() == NAMES
    stage.cluster.up(Wish(pool=False))
    assert stage.running() == NAMES[:4]


def test_real_nodes_that_cannot_be_are_refused_before_anything_starts_and_forgotten(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obstacle, "find_obstacle", lambda: "real nodes need a better machine")
    with pytest.raises(SetupError, match="a better machine"):
        stage.cluster.up(Wish(real_nodes=1))
    assert stage.running() == []
    assert not stage.cluster.places.root.exists()
    stage.cluster.up(Wish())
    assert stage.running() == NAMES


@pytest.mark.parametrize("count", [-1, 99])
def test_a_number_of_real_nodes_that_cannot_be_is_refused_and_what_is_there_is_not_forgotten(stage: Stage, count: int) -> None:
    stage.cluster.up(Wish())
    with pytest.raises(UserError, match=f"`0` to `8` real nodes, not `{count}`"):
        stage.cluster.up(Wish(real_nodes=count), fresh=True)
    assert stage.running() == NAMES


def test_fresh_forgets(stage: Stage) -> None:
    stage.cluster.up(Wish(operator=False))
    before = stage.pids()
    stage.cluster.up(Wish(), fresh=True)
    assert stage.running() == NAMES
    assert not set(before.values()) - {None} & set(stage.pids().values())


def test_what_a_killed_up_had_not_written_down_is_stopped_by_the_next(stage: Stage) -> None:
    stage.cluster.up(Wish())
    stray = start_process(stage.cluster.places, stage.builder("etcd")(None))  # type: ignore[arg-type]
    (stage.cluster.places.pids / "etcd").unlink()
    stage.cluster.up(Wish())
    assert stray.pid not in stage.pids().values()
    assert len(find_marked(str(stage.cluster.places.root))) == len(NAMES)


def test_what_others_started_beside_it_ends_first_with_the_cluster_and_is_no_stray(stage: Stage) -> None:
    stage.cluster.up(Wish())
    beside = start_process(stage.cluster.places, stage.builder("rival")(None))  # type: ignore[arg-type]
    stage.cluster.up(Wish())
    assert find_identity(beside.pid) == beside, "what runs is kept"
    assert stage.cluster.down()
    assert find_identity(beside.pid) is None
    assert not [said for said in stage.listener.said if "left over" in said]


def test_a_cluster_that_never_was_is_off_and_its_down_does_nothing(stage: Stage) -> None:
    assert {process.state for process in stage.cluster.processes()} == {"off"}
    assert not stage.cluster.down()


def test_a_process_that_does_not_exist_is_a_users_mistake(stage: Stage) -> None:
    with pytest.raises(UserError, match="no process `kubelet`") as refusal:
        stage.cluster.kill("kubelet")
    assert "etcd" in refusal.value.hint


@pytest.mark.parametrize("name", ["", "A", "-a", "a/b", "..", "a" * 41])
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be a cluster's name"):
        find_places(Settings(state_home=tmp_path), name)
