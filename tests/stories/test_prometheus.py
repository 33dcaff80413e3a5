"""A real Prometheus looks at the live operator and scheduler: the names are sane, and every picture of the dashboard shows something."""

import json
import math
import ssl
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.stories.cluster import eventually
from tests.stories.manifests import make_training
from tests.stories.story import OURS, PATIENCE_SECONDS, Story

from commonpool.config import read_settings
from commonpool.local.binaries import Binaries
from commonpool.local.memory import read_memory
from commonpool.local.places import find_source
from commonpool.local.ports import find_free_ports
from commonpool.local.teller import LogTeller
from commonpool.telemetry.dashboard import list_queries

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]

ALERTS = Path(__file__).parents[2] / "helm" / "commonpool" / "monitoring" / "alerts.yaml"
VARIABLES = {"$__rate_interval": "5m", "$__range": "5m", "$pool": ".*", "$tenant": ".*"}


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that scrapes every second."""

    url: str
    promtool: Path

    def ask(self, query: str) -> list[float]:
        """The values of an instant query, those that are no number left out; AssertionError if it is not understood."""
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}", timeout=10) as answer:  # noqa: S310 - an address of ours
            body: dict[str, Any] = json.load(answer)
        assert body["status"] == "success", body
        values = [float(sample["value"][1]) for sample in body["data"]["result"]]
        return [value for value in values if not math.isnan(value)]

    def ask_beside(self, query: str) -> tuple[str, list[float]]:
        """The question with its answer, for whoever reads why a test failed."""
        return query, self.ask(query)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as answer:  # noqa: S310 - an address of ours
                return bool(answer.status == 200)
        except OSError:
            return False


@pytest.fixture
def prometheus(story: Story, tmp_path: Path) -> Iterator[Prometheus]:
    settings = read_settings()
    binaries = Binaries(find_source(settings), settings.cache_dir, LogTeller())
    ports = read_memory(story.cluster.places.memory).ports
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [
            {"job_name": "commonpool-operator", "static_configs": [{"targets": [f"127.0.0.1:{ports['operator']}"]}]},
            {
                "job_name": "commonpool-scheduler",
                "scheme": "https",
                "tls_config": {"insecure_skip_verify": True},
                "static_configs": [{"targets": [f"127.0.0.1:{ports['scheduler']}"]}],
            },
        ],
    }
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    [port] = find_free_ports(1)
    argv = [
        str(binaries.find("prometheus")),
        f"--config.file={tmp_path / 'prometheus.yaml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as process:
        try:
            prometheus = Prometheus(f"http://127.0.0.1:{port}", binaries.find("promtool"))
            eventually(prometheus.is_ready, within_seconds=PATIENCE_SECONDS)
            eventually(lambda: prometheus.ask("up == 1"), within_seconds=PATIENCE_SECONDS, until=lambda seen: len(seen) == 2)
            yield prometheus
        finally:
            process.kill()


@pytest.fixture
def elastic_pool(story: Story) -> Iterator[str]:
    """A pool whose provider is asked for nodes."""
    labels = {"matchLabels": {"nvidia.com/gpu.product": "NVIDIA-L40S"}}
    provider = {"scale": {"apiVersion": "local.commonpool.dev/v1", "kind": "NodeGroup", "name": "l40s"}}
    node = {"nvidia.com/gpu": "4", "cpu": "128", "memory": "1Ti"}
    scaling = {"minNodes": 0, "maxNodes": 3, "node": node, "provider": provider}
    story.create("GPUPool", "l40s", {"vendor": "nvidia", "model": "L40S-PCIe-48GB", "nodes": labels, "scaling": scaling})
    yield "l40s"
    story.admin.delete(f"{OURS}/gpupools/l40s")


def test_every_question_of_the_dashboard_and_of_the_alerts_is_answered(story: Story, prometheus: Prometheus, elastic_pool: str) -> None:
    alice = story.add_tenant("vision", "alice", guaranteed=8, limit=16)
    alice.create(make_training("runs", pods=2))
    alice.expect("runs", "Running")
    alice.create(make_training("waits", pods=1))
    alice.expect("waits", "QuotaReached")
    for query in list_queries():
        asked = query
        for name, value in VARIABLES.items():
            asked = asked.replace(name, value)
        eventually(partial(prometheus.ask_beside, asked), within_seconds=30, until=lambda seen: bool(seen[1]))
    for query, number in (
        (f'sum(commonpool_tenant_accelerators{{tenant="{alice.tenant}"}})', 16),
        (f'commonpool_waiting_workloads{{tenant="{alice.tenant}",reason="QuotaReached"}}', 1),
        ("commonpool_leader", 1),
        (f'commonpool_pool_wanted_nodes{{pool="{elastic_pool}"}}', 0),
    ):
        expect_answer(prometheus, query, [number])
    assert prometheus.ask("commonpool_leader_epoch == commonpool_scheduler_round_epoch or vector(1)")
    rules = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        prometheus.ask(rule["expr"])
    expect_answer(prometheus, "ALERTS", [])  # nor is one on its way: none fires within the minutes that this takes


def expect_answer(prometheus: Prometheus, query: str, values: list[float]) -> None:
    """When it has come: what was scraped last can be older than what the cluster says, and one scrape may fail."""
    eventually(partial(prometheus.ask_beside, query), until=lambda seen: seen[1] == values)


def test_the_names_are_as_prometheus_wants_them(story: Story, prometheus: Prometheus) -> None:
    ports = read_memory(story.cluster.places.memory).ports
    with urllib.request.urlopen(f"http://127.0.0.1:{ports['operator']}/metrics", timeout=10) as answer:
        text = answer.read()
    scheduler = ssl.create_default_context()
    scheduler.check_hostname, scheduler.verify_mode = False, ssl.CERT_NONE  # it signs its own certificate
    with urllib.request.urlopen(f"https://127.0.0.1:{ports['scheduler']}/metrics", timeout=10, context=scheduler) as answer:
        text += b"".join(line for line in answer if b"commonpool_scheduler_" in line)
    checked = subprocess.run([prometheus.promtool, "check", "metrics"], input=text, capture_output=True, check=False, timeout=60)
    assert (checked.returncode, checked.stdout.decode() + checked.stderr.decode()) == (0, "")
    assert b"_created" not in text
