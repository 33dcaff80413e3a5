import json
import stat
from dataclasses import asdict, replace
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from commonpool.bench.packing import Order
from commonpool.bench.times import MOVERS, Course, Series, Wish, render_times, run_times
from commonpool.bench.timesplot import render_times_plot
from commonpool.cli.main import app
from commonpool.config import read_settings
from commonpool.local.binaries import Binaries
from commonpool.local.places import find_source
from commonpool.local.teller import LogTeller

EXCERPT = Path(__file__).parents[2] / "scheduler" / "cmd" / "replay" / "testdata"
COURSE = Course(
    list="default", seed=42, policy="FGD", moves=False, queue="skip", load=95, copies=50, nodes=76, accelerators=388.0, days=149.3,
    pods=200_000, unservable_pods=0, started_pods=199_000, offered_percent=94.0, offered_cpu_percent=71.0, offered_gpu_hours=1000.0,
    served_gpu_hours=900.0, allocated_percent=85.0, wait_p50_seconds=0, wait_p99_seconds=7200, wait_longest_seconds=36_000,
    multi_gpu_wait_p50_seconds=60, multi_gpu_wait_p99_seconds=9000, waited_gpu_hours=500.0, idle_wanted_gpu_hours=50.0,
    fragmented_percent=4.0, lost_percent=5.0, moved_pods=0, paused_gpu_hours=0.0,
    series=Series([1.0, 2.0], [80.0, 90.0], [4.0, 5.0], [5.0, 6.0], [0.0, 1.0]),
)  # fmt: skip


def test_the_table_has_a_line_of_means_a_list_load_and_way() -> None:
    courses = [COURSE, replace(COURSE, seed=43, served_gpu_hours=920.0), replace(COURSE, moves=True, moved_pods=7, paused_gpu_hours=0.25)]
    assert [row[:6] for row in render_times(courses)] == [
        ("default", "95", "FGD", "94.00", "91.00", "±12.71"),
        ("default", "95", "FGD + moves", "94.00", "90.00", "-"),
    ]
    assert list(render_times([replace(COURSE, load=0)])) == [
        (
            "default",
            "as recorded",
            "FGD",
            "94.00",
            "90.00",
            "-",
            "85.00",
            "0.00h",
            "2.00h",
            "10.00h",
            "500",
            "50",
            "4.00",
            "5.00",
            "0",
            "0.0",
        )
    ]


def test_the_picture_has_three_panels_a_list_and_load_and_a_curve_a_way() -> None:
    courses = [
        replace(COURSE, load=load, moves=moves, policy=policy) for load in (0, 95) for policy in ("FGD", "<x>") for moves in (True, False)
    ]
    picture = render_times_plot([*courses, replace(COURSE, seed=43)])
    assert picture.count("<polyline") == 2 * 3 * 4
    assert "default, as recorded: waited for" in picture
    assert "&lt;x&gt; + moves" in picture


def test_the_program_is_told_how_time_is_to_go(tmp_path: Path) -> None:
    program = tmp_path / "replay"
    program.write_text(f"#!/bin/sh\nprintf '%s ' \"$@\" > {tmp_path}/asked; echo '{json.dumps(asdict(COURSE))}'\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    order = Order(Path("n.csv"), (Path("a.csv"),), ("FGD",), seeds=2)
    assert list(run_times(program, order, Wish((0, 95), "strict", ("FGD", "BestFit"), 4))) == [COURSE]
    asked = (tmp_path / "asked").read_text(encoding="utf-8").strip()
    assert asked == "-nodes n.csv -seeds 42,43 -policies FGD -times 0,95 -queue strict -moves FGD,BestFit -every 4 a.csv"


@pytest.mark.parametrize(
    "wrong", [("--times", "x"), ("--times", "1001"), ("--times", "80", "--queue", "lifo"), ("--times", "80", "--numba", __file__)]
)
def test_wrong_usage_is_told(wrong: tuple[str, ...]) -> None:
    files = ("--nodes", str(EXCERPT / "nodes.csv"), "--pods", str(EXCERPT / "pods.csv"))
    result = CliRunner().invoke(app, ["bench", "packing", *files, *wrong])
    assert result.exit_code == 2
    assert wrong[-2] in result.output


def find_program() -> Path:
    settings = read_settings()
    return Binaries(find_source(settings), settings.cache_dir, LogTeller()).find("replay")


def test_one_node_serves_its_queue_as_a_few_lines_of_python_would(tmp_path: Path) -> None:
    """Whole cards and processors on one node: no policy has a choice, so all that is told follows from the queue."""
    random = Random(5)  # noqa: S311 - a made-up list
    pods = []
    for _ in range(60):
        came = random.randrange(10_000)
        pods.append((came, came + random.randrange(1, 2000), random.randrange(1, 30_000), random.choice((0, 1, 2, 4))))
    pods.sort()
    nodes, listed = tmp_path / "nodes.csv", tmp_path / "pods.csv"
    nodes.write_text("sn,cpu_milli,memory_mib,gpu,model\na,64000,100,8,X\n", encoding="utf-8")
    rows = (f"p{i:02},{cpu},1,{cards},{1000 if cards else 0},{came},{gone}" for i, (came, gone, cpu, cards) in enumerate(pods))
    header = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,creation_time,deletion_time"
    listed.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    began, ended = pods[0][0], max(gone for _, gone, _, _ in pods)

    running: list[tuple[int, int, int]] = []
    waiting: list[int] = []
    starts: dict[int, int] = {}
    for second in range(began, ended):
        running = [each for each in running if each[0] > second]
        waiting += [i for i, pod in enumerate(pods) if pod[0] == second]
        for i in list(waiting):
            came, gone, cpu, cards = pods[i]
            if sum(each[1] for each in running) + cpu <= 64_000 and sum(each[2] for each in running) + cards <= 8:
                running.append((second + gone - came, cpu, cards))
                starts[i] = second
                waiting.remove(i)
    waits = sorted(starts.get(i, ended) - pod[0] for i, pod in enumerate(pods))
    served = sum(pods[i][3] * min(pods[i][1] - pods[i][0], ended - start) for i, start in starts.items())

    (course,) = run_times(find_program(), Order(nodes, (listed,), ("FGD",)), Wish((0,), movers=()))
    assert waits[-1] > 1000
    assert (course.wait_p50_seconds, course.wait_p99_seconds, course.wait_longest_seconds) == (waits[29], waits[59], waits[-1])
    assert course.started_pods == len(starts)
    assert course.served_gpu_hours == pytest.approx(served / 3600, abs=1e-4)


def test_moves_serve_no_less_of_the_excerpt() -> None:
    order = Order(EXCERPT / "nodes.csv", (EXCERPT / "pods.csv",), ("FGD", "commonpool"), seeds=2)
    courses = list(run_times(find_program(), order, Wish((110,), every=1)))
    assert [(course.policy, course.moves) for course in courses] == 2 * [(name, moves) for name in MOVERS for moves in (False, True)]
    for still, moved in zip(courses[::2], courses[1::2], strict=True):
        assert still.served_gpu_hours <= moved.served_gpu_hours <= moved.offered_gpu_hours
        assert moved.moved_pods > 0 == still.moved_pods
