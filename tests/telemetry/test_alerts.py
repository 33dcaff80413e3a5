"""The alerts, tried by Prometheus' own tool on series that were written for them."""

import subprocess
from pathlib import Path

import pytest
import yaml

from commonpool.config import read_settings
from commonpool.local.binaries import Binaries
from commonpool.local.places import find_source
from commonpool.local.teller import LogTeller

CASES = Path(__file__).with_name("alerts_test.yaml")
ALERTS = Path(__file__).parents[2] / "helm" / "commonpool" / "monitoring" / "alerts.yaml"


@pytest.fixture(scope="session")
def promtool() -> Path:
    settings = read_settings()
    return Binaries(find_source(settings), settings.cache_dir, LogTeller()).find("promtool")


def test_what_matters_is_told_and_what_passes_is_not(promtool: Path) -> None:
    answer = subprocess.run([promtool, "test", "rules", CASES], capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_each_alert_is_tried_and_says_what_to_do() -> None:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    tried = CASES.read_text(encoding="utf-8")
    for rule in rules:
        assert rule["alert"] in tried
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert {"summary", "description"} == rule["annotations"].keys()
