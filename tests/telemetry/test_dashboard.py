"""The dashboard asks for what there is, and is laid out as Grafana wants it."""

import json
import re
from itertools import combinations, pairwise
from pathlib import Path

import pytest
import yaml

from commonpool.telemetry import dashboard, reference
from commonpool.telemetry.dashboard import build_dashboard, list_queries
from commonpool.telemetry.instruments import INSTRUMENTS, Kind
from commonpool.telemetry.reference import list_scheduler_rows

ROOT = Path(__file__).parents[2]
OTHERS = {
    "scheduler_schedule_attempts_total": {"result", "profile", "job"},
    "process_cpu_seconds_total": {"job"},
    "process_resident_memory_bytes": {"job"},
}
"""Metrics of others that we show: kube-scheduler's, and every process's."""
NAME = re.compile(r"\b(?:commonpool|scheduler|process)_[a-z0-9_]+\b")


def list_known() -> dict[str, set[str]]:
    """Every series that there can be, with its labels."""
    known = {name: set(labels) for name, labels in OTHERS.items()}
    for each in INSTRUMENTS:
        endings = ("_bucket", "_sum", "_count") if each.kind is Kind.HISTOGRAM else ("",)
        known |= {each.name + ending: {*each.labels, *({"le"} if ending == "_bucket" else ())} for ending in endings}
    source = (ROOT / "scheduler" / "plugin" / "metrics.go").read_text(encoding="utf-8")
    return known | {row.name: set(row.labels) for row in list_scheduler_rows(source)}


def list_alerts() -> list[str]:
    rules = yaml.safe_load((ROOT / "helm" / "commonpool" / "monitoring" / "alerts.yaml").read_text(encoding="utf-8"))
    return [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("query", [*list_queries(), *list_alerts()])
def test_every_question_is_about_metrics_and_labels_that_there_are(query: str) -> None:
    known = list_known()
    names = set(NAME.findall(query)) - {label for labels in known.values() for label in labels}
    assert names
    assert names <= known.keys()
    grouped = {label.strip() for part in re.findall(r"by \(([^)]*)\)", query) for label in part.split(",")}
    assert grouped <= set().union(*(known[name] for name in names))
    for name, chosen in re.findall(r"(\w+)\{([^}]*)\}", query):
        assert set(re.findall(r"(\w+)=", chosen)) <= known[name]


def test_every_metric_of_ours_is_shown_or_warned_of() -> None:
    """But for two: the version, and a name for what the epoch says already."""
    said = " ".join((*list_queries(), *list_alerts()))
    shown = {name for name in list_known() if re.search(rf"\b{name}\b", said)}
    hidden = {each.name for each in INSTRUMENTS if not any(name.startswith(each.name) for name in shown)}
    assert hidden == {"commonpool_build_info"}


def test_the_scheduler_says_what_the_reference_reads_in_its_source() -> None:
    source = (ROOT / "scheduler" / "plugin" / "metrics.go").read_text(encoding="utf-8")
    rows = {row.name: row for row in list_scheduler_rows(source)}
    declared = source.count("metrics.NewDesc(") + source.count("metrics.NewCounter")
    assert len(rows) == declared == 6
    assert rows["commonpool_scheduler_refusals_total"].labels == ("profile", "reason")
    assert all(row.meaning.endswith(".") for row in rows.values())


def test_panels_have_their_own_numbers_and_places() -> None:
    panels = build_dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)
    assert all(one["gridPos"]["y"] <= other["gridPos"]["y"] for one, other in pairwise(panels))


def test_a_panel_says_what_it_shows_and_asks_the_chosen_prometheus() -> None:
    shown = [panel for panel in build_dashboard()["panels"] if panel["type"] != "row"]
    for panel in shown:
        assert panel["description"].endswith(".")
        assert panel["targets"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    known = {variable["name"] for variable in build_dashboard()["templating"]["list"]} | {"__rate_interval", "__range"}
    assert {name for query in list_queries() for name in re.findall(r"\$\{?(\w+)", query)} <= known


def test_what_is_committed_is_what_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert (dashboard.main(["--check"]), reference.main(["--check"])) == (0, 0)
    assert dashboard.main(["--check", "--directory", str(tmp_path)]) == 1
    assert "make crds telemetry" in capsys.readouterr().err
    assert dashboard.main(["--directory", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "dashboard.json").read_text(encoding="utf-8")) == build_dashboard()
