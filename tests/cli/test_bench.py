"""That the commands run and print what they say; how fast anything is, no test asserts."""

import json
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


def test_what_cannot_fit_is_refused_before_anything_starts() -> None:
    answer = CliRunner().invoke(app, ["bind", "--nodes", "1", "--gangs", "2"])
    assert answer.exit_code == 2
    assert "2 gangs of 8 do not fit 1 nodes of 8" in answer.output
