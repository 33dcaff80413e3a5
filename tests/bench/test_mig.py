import json
import stat
from dataclasses import asdict
from pathlib import Path

import pytest

from commonpool.bench.mig import Stream, render_mig, run_streams
from commonpool.errors import UserError


def make_stream(policy: str = "commonpool", *, seed: int = 42, allocated: float = 90.0) -> Stream:
    return Stream("uniform", False, 100, seed, policy, 200, 150, allocated, 80.0, 1e6)


def make_program(folder: Path, script: str) -> Path:
    program = folder / "replay"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_the_program_gets_nodes_seeds_and_loads_and_its_lines_are_streams(tmp_path: Path) -> None:
    program = make_program(tmp_path, f"printf '%s ' \"$@\" > {tmp_path}/asked; echo '{json.dumps(asdict(make_stream()))}'")
    assert list(run_streams(program, 4, 2, (85, 100))) == [make_stream()]
    assert (tmp_path / "asked").read_text(encoding="utf-8").strip() == "-mig 4 -seeds 42,43 -arrivals 85,100"
    with pytest.raises(UserError, match="ended with code 3"):
        list(run_streams(make_program(tmp_path, "exit 3"), 4, 2, (85,)))


def test_a_row_says_how_much_more_ours_has_on_the_same_streams() -> None:
    pairs = [(42, 92.0, 90.0), (43, 94.0, 91.0)]
    streams = [
        make_stream(policy, seed=seed, allocated=each)
        for seed, *both in pairs
        for policy, each in zip(("commonpool", "MFI"), both, strict=True)
    ]
    ours, theirs = render_mig(streams)
    assert ours == ("uniform", "no", "100", "commonpool", "93.00", "±12.71", "80.00", "75.00", "", "")
    assert theirs[3:5] == ("MFI", "90.50")
    assert theirs[8:] == ("+2.50", "±6.35")
