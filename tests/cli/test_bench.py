"""That the commands run and print what they say; how fast anything is, no test asserts."""

import json
from pathlib import Path
from shlex import split

import pytest
from typer.testing import CliRunner

from commonpool.cli.bench import app


@pytest.mark.story
@pytest.mark.timeout(600)
def test_bindings_are_measured_on_a_cluster_of_its_own() -> None:
    answer = CliRunner().invoke(app, split("bind --nodes 3 --gangs 3 --size 8 --runs 1 --mode ceiling --mode pool -o json"))
    assert answer.exit_code == 0, answer.output
    report = json.loads(answer.stdout)
    assert [run["mode"] for run in report["runs"]] == ["ceiling", "pool"]
    assert [run["problems"] for run in report["runs"]] == [[], []]
    assert report["runs"][0]["writesPerPod"] == 2
    writes = {(line["user"], line["verb"], line["resource"]): line["count"] for line in report["runs"][1]["writes"]}
    assert writes["tenant", "create", "jobs"] == 3
    assert writes["commonpool-scheduler", "create", "pods/binding"] == 24


@pytest.mark.story
def test_rounds_are_measured_in_memory() -> None:
    answer = CliRunner().invoke(app, split("round --nodes 40 --running 24 --pending 16 --runs 1 --reference-runs 1 -o json"))
    assert answer.exit_code == 0, answer.output
    results = json.loads(answer.stdout)["results"]
    assert [(result["round"], result["engine"]) for result in results] == [
        ("busy", "native"),
        ("still", "native"),
        ("busy", "reference"),
        ("still", "reference"),
    ]
    assert results[0]["placedPods"] == results[2]["placedPods"] > 0
    assert results[1]["placedPods"] == results[3]["placedPods"] == 0


@pytest.mark.story
def test_a_rush_of_claims_is_measured_in_memory() -> None:
    answer = CliRunner().invoke(app, split("round --nodes 40 --running 24 --claims 8 --runs 1 -o json"))
    assert answer.exit_code == 0, answer.output
    report = json.loads(answer.stdout)
    assert report["setting"] == {"nodes": 40, "running": 24, "pending": 0, "claims": 8}
    busy, still = report["results"]
    assert busy["shrunk"] + busy["evicted"] > 0
    assert still["shrunk"] + still["evicted"] == 0
    assert still["waiting"] == busy["waiting"] > 0


@pytest.mark.story
def test_gangs_are_measured_in_memory() -> None:
    answer = CliRunner().invoke(app, split("gangs --nodes 1000 --placements 60 --runs 1 --fleet 500 --fleet 1000 --calls 5 -o json"))
    assert answer.exit_code == 0, answer.output
    report = json.loads(answer.stdout)
    *ways, big = report["results"]
    assert [way["way"] for way in ways] == ["commonpool", "commonpool, few racks preferred", "first fit", "tightest fit"]
    assert {way["placements"] for way in ways} == {60}
    assert big["nodes"] == 100
    assert (big["blocks"], big["racks"]) == (big["fewestBlocks"], big["fewestRacks"])
    assert {(asked["nodes"], asked["othersChanged"]) for asked in report["again"]} == {(500, 0), (500, 100), (1000, 0), (1000, 100)}
    assert all(asked["placed"] == asked["calls"] for asked in report["again"])


def test_what_cannot_fit_is_refused_before_anything_starts() -> None:
    answer = CliRunner().invoke(app, ["bind", "--nodes", "1", "--gangs", "2"])
    assert answer.exit_code == 2
    assert "2 gangs of 8 do not fit 1 nodes of 8" in answer.output


def test_an_arrival_beyond_what_arrives_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.touch()
    answer = CliRunner().invoke(app, ["packing", "--nodes", str(file), "--pods", str(file), "--arrivals", "80,131"])
    assert answer.exit_code == 2
    assert "each must be in 1..130" in answer.output


@pytest.mark.timeout(300)
def test_recorded_pods_are_packed_by_every_policy(tmp_path: Path) -> None:
    nodes, pods = tmp_path / "nodes.csv", tmp_path / "pods.csv"
    nodes.write_text("sn,cpu_milli,memory_mib,gpu,model\n" + "".join(f"n{i},64000,262144,8,X\n" for i in range(5)), encoding="utf-8")
    rows = (f"p{i:02},8000,1024,{(1, 0, 1, 2)[i % 4]},{(500, 0, 1000, 1000)[i % 4]}\n" for i in range(40))
    pods.write_text("name,cpu_milli,memory_mib,num_gpu,gpu_milli\n" + "".join(rows), encoding="utf-8")
    more = tmp_path / "more.csv"
    more.write_bytes(pods.read_bytes())
    asked = ["packing", "--nodes", str(nodes), "--pods", str(pods), str(more), "--seeds", "2", "--arrivals", "50,100", "-o", "json"]
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 0, answer.output
    points = json.loads(answer.stdout)
    published = {"Random", "DotProd", "GpuClustering", "GpuPacking", "BestFit", "FGD"}
    assert {point["list"] for point in points} == {"pods", "more"}
    assert {point["policy"] for point in points} == {*published, "commonpool", "commonpool-learning"}
    assert {(point["seed"], point["arrival"]) for point in points} == {(42, 50), (42, 100), (43, 50), (43, 100)}
    assert all(0 < point["allocated_percent"] <= point["arrival"] + 1 for point in points)
