import json
import stat
from pathlib import Path
from shlex import split

import pytest
from typer.testing import CliRunner

from commonpool.bench.packing import NUMBA, OURS, Order, Point, compute_interval, compute_ratio, render_packing, run_numba, run_replays
from commonpool.bench.packingplot import render_plot
from commonpool.cli.main import app
from commonpool.errors import UserError


def make_point(*, seed: int = 42, policy: str = "FGD", arrival: int = 130, allocated: float = 95.0, name: str = "default") -> Point:
    return Point(name, seed, policy, arrival, allocated, 8000, 70, 40_000.0)


def make_program(folder: Path, script: str) -> Path:
    program = folder / "replay"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_the_interval_is_that_of_students_t() -> None:
    middle, width = compute_interval([1.0, 2.0, 3.0])
    assert middle == 2
    assert width == pytest.approx(4.303 / 3**0.5)
    assert compute_interval([5.0]) == (5.0, 0.0)


def test_the_table_has_a_line_of_means_a_list_policy_and_arrival() -> None:
    points = [make_point(seed=42, allocated=95), make_point(seed=43, allocated=96), make_point(policy="Random", allocated=87)]
    assert list(render_packing(points)) == [
        ("default", "FGD", "130", "95.500", "±6.353", "8000.0", "70.0", "40000"),
        ("default", "Random", "130", "87.000", "-", "8000.0", "70.0", "40000"),
    ]


def test_the_picture_has_a_panel_a_list_and_a_curve_a_policy() -> None:
    points = [make_point(name=name, policy=policy, arrival=at) for name in "ab" for policy in ("FGD", "<x>") for at in (80, 130)]
    picture = render_plot(points)
    assert picture.count("<polyline") == 4
    assert "&lt;x&gt;" in picture


def test_the_program_gets_files_seeds_and_loads_and_its_lines_are_points(tmp_path: Path) -> None:
    line = json.dumps({field: getattr(make_point(), field) for field in Point.__slots__})
    program = make_program(tmp_path, f"printf '%s ' \"$@\" > {tmp_path}/asked; echo '{line}'")
    order = Order(Path("n.csv"), (Path("a.csv"), Path("b.csv")), ("FGD", "Random"), seeds=2, arrivals=(80, 130))
    assert list(run_replays(program, order)) == [make_point()]
    asked = (tmp_path / "asked").read_text(encoding="utf-8").strip()
    assert asked == "-nodes n.csv -seeds 42,43 -policies FGD,Random -arrivals 80,130 a.csv b.csv"


def test_the_program_is_told_to_leave_out_parts_of_accelerators(tmp_path: Path) -> None:
    program = make_program(tmp_path, f"printf '%s ' \"$@\" > {tmp_path}/asked")
    assert list(run_replays(program, Order(Path("n.csv"), (Path("a.csv"),), ("planner",), arrivals=(80,), whole=True))) == []
    asked = (tmp_path / "asked").read_text(encoding="utf-8").strip()
    assert asked == "-nodes n.csv -seeds 42 -policies planner -arrivals 80 -whole a.csv"


def test_what_the_program_refuses_is_the_users_mistake(tmp_path: Path) -> None:
    program = make_program(tmp_path, "echo 'replay: there is no policy \"x\"' >&2; exit 1")
    with pytest.raises(UserError, match=r'^there is no policy "x"$'):
        list(run_replays(program, Order(Path("n.csv"), (Path("a.csv"),))))


def test_fgd_in_numba_gets_the_same_orders(tmp_path: Path) -> None:
    program = make_program(tmp_path, f"printf '%s ' \"$@\" > {tmp_path}/asked; echo an order")
    line = json.dumps({field: getattr(make_point(), field) for field in Point.__slots__})
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\ntest $1 = -c && exit 0\ntest \"$(cat)\" = 'an order' && test \"$*\" = 'fgd.py n.csv 80,130 a.csv' && echo '{line}'\n",
        encoding="utf-8",
    )
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    order = Order(Path("n.csv"), (Path("a.csv"),), seeds=2, arrivals=(80, 130))
    assert list(run_numba(program, python, Path("fgd.py"), order)) == [make_point()]
    assert (tmp_path / "asked").read_text(encoding="utf-8").strip() == "-nodes n.csv -seeds 42,43 -orders a.csv"


def test_an_interpreter_without_numba_is_the_users_mistake(tmp_path: Path) -> None:
    order = Order(Path("n.csv"), (Path("a.csv"),))
    with pytest.raises(UserError, match=r"^--numba: `/nonexist` cannot be run \(No such file or directory\)"):
        list(run_numba(tmp_path / "replay", Path("/nonexist"), Path("fgd.py"), order))
    python = make_program(tmp_path, "echo Traceback >&2; echo \"ModuleNotFoundError: No module named 'numpy'\" >&2; exit 1")
    with pytest.raises(UserError, match=r"has no numba that works \(ModuleNotFoundError: No module named 'numpy'\): try"):
        list(run_numba(tmp_path / "replay", python, Path("fgd.py"), order))


def test_what_the_program_finds_odd_is_passed_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program = make_program(tmp_path, "echo 'replay: odd' >&2")
    assert list(run_replays(program, Order(Path("n.csv"), (Path("a.csv"),)))) == []
    assert capfd.readouterr().err == "replay: odd\n"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("--arrivals 80,80", "named twice"),
        ("--arrivals 80,080", "named twice"),
        ("--arrivals ,", "each must be in 1..130"),
        ("--policies FGD,FGD", "`FGD` is named twice"),
        ("--times 80,80", "named twice"),
        ("--times 80 --arrivals 80", "says nothing about a replay with --times"),
        ("--times 80 --whole", "says nothing about a replay with --times"),
        ("--whole --numba python", "leave --whole away"),
        ("--queue skip", "add --times"),
        ("--moves FGD", "add --times"),
        ("--every 1", "add --times"),
        ("--times 80 --policies FGD --moves commonpool", "add it to --policies"),
        ("--times 80 --moves FGD,FGD", "`FGD` is named twice"),
        ("--pods a/x.csv", "both be told as `x`"),
        ("--pods x.csv", "both be told as `x`"),
    ],
)
def test_what_would_be_passed_over_is_refused(wrong: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    for name in ("nodes.csv", "x.csv", "a/x.csv"):
        (tmp_path / name).touch()
    answer = CliRunner().invoke(app, split(f"bench packing --nodes nodes.csv --pods x.csv {wrong}"))
    assert answer.exit_code == 2
    assert why in " ".join(answer.output.replace("│", " ").split())


def test_speeds_are_compared_if_both_ran() -> None:
    points = [make_point(policy="commonpool"), make_point(policy="FGD-numba")]
    assert compute_ratio(points, OURS, NUMBA) == 1
    assert compute_ratio(points[:1], OURS, NUMBA) is None
