import json
import stat
from pathlib import Path

import pytest

from commonpool.bench.packing import NUMBA, OURS, Order, Point, compute_interval, compute_ratio, render_packing, run_numba, run_replays
from commonpool.bench.packingplot import render_plot
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


def test_what_the_program_refuses_is_the_users_mistake(tmp_path: Path) -> None:
    program = make_program(tmp_path, "echo 'replay: there is no policy \"x\"' >&2; exit 1")
    with pytest.raises(UserError, match=r'^there is no policy "x"$'):
        list(run_replays(program, Order(Path("n.csv"), (Path("a.csv"),))))


def test_fgd_in_numba_gets_the_same_orders(tmp_path: Path) -> None:
    program = make_program(tmp_path, f"printf '%s ' \"$@\" > {tmp_path}/asked; echo an order")
    line = json.dumps({field: getattr(make_point(), field) for field in Point.__slots__})
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\ntest \"$(cat)\" = 'an order' && test \"$*\" = 'fgd.py n.csv 80,130 a.csv' && echo '{line}'\n", encoding="utf-8"
    )
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    order = Order(Path("n.csv"), (Path("a.csv"),), seeds=2, arrivals=(80, 130))
    assert list(run_numba(program, python, Path("fgd.py"), order)) == [make_point()]
    assert (tmp_path / "asked").read_text(encoding="utf-8").strip() == "-nodes n.csv -seeds 42,43 -orders a.csv"


def test_speeds_are_compared_if_both_ran() -> None:
    points = [make_point(policy="commonpool"), make_point(policy="FGD-numba")]
    assert compute_ratio(points, OURS, NUMBA) == 1
    assert compute_ratio(points[:1], OURS, NUMBA) is None
