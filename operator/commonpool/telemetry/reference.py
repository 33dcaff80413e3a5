"""The reference of all metrics as Markdown: `python -m commonpool.telemetry.reference` writes docs/reference/metrics/.

The operator's come from the table that it measures by, the scheduler's from the source that declares them.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from commonpool.api.generated import keep_files
from commonpool.telemetry.instruments import INSTRUMENTS

_ROOT = Path(__file__).parents[3]
SCHEDULER_SOURCE = _ROOT / "scheduler" / "plugin" / "metrics.go"
ALERTS = _ROOT / "helm" / "commonpool" / "monitoring" / "alerts.yaml"
NOTICE = "<!-- Made from operator/commonpool/telemetry and scheduler/plugin/metrics.go by `make telemetry`; edit there. -->\n"
HEAD = """# Metrics

The operator answers on port 8080 (`http`), the scheduler on 10259 (`https`, for who may read `/metrics`), both at `/metrics`.
The chart has a ServiceMonitor for each (`serviceMonitor.enabled=true`), alerts (`prometheusRule.enabled=true`, from
`helm/commonpool/monitoring/alerts.yaml`) and a Grafana dashboard (`dashboards.enabled=true`, or import
`helm/commonpool/monitoring/dashboard.json` by hand).

No label ever names a workload, a pod, a node or a namespace: tenants can make as many of those as they like. There are at most
about tenants x pools x 3 + tenants x reasons x 2 + quota lines x 5 + pools x 30 + 400 series of the operator's. What the pool
holds is told by the leader only; an operator that stands by tells of its own process and requests.
"""

_DECLARED = re.compile(
    r'New(Counter|CounterVec)\(&metrics\.\w+\{\s*Subsystem: subsystem, Name: "(\w+)".*?Help: "([^"]+)",\s*\}(?:, \[\]string\{([^}]*)\})?',
    re.DOTALL,
)
_COLLECTED = re.compile(r'NewDesc\(subsystem\+"(\w+)", "([^"]+)",\s*\[\]string\{([^}]*)\}', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of a table."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def list_scheduler_rows(source: str) -> list[Row]:
    """What the scheduler plugin adds to kube-scheduler's own, as its source declares it."""
    rows = [Row(f"commonpool_scheduler_{name}", "counter", _split(labels), help_) for _, name, help_, labels in _DECLARED.findall(source)]
    rows += [Row(f"commonpool_scheduler{name}", "gauge", _split(labels), help_) for name, help_, labels in _COLLECTED.findall(source)]
    return rows


def render_page(source: str, alerts: str) -> str:
    """The page; `source` is the scheduler's metrics.go, `alerts` the chart's alerts.yaml."""
    operator = [Row(each.name, each.kind, each.labels, f"{each.help}.") for each in INSTRUMENTS]
    lines = [NOTICE, HEAD, "## The operator\n", *_render_table(operator)]
    lines += [
        "\nBeside these: `process_*` (CPU, memory, open files) and `python_info`.\n",
        "## The scheduler\n",
        *_render_table(list_scheduler_rows(source)),
    ]
    lines += [
        "\nBeside these all of kube-scheduler's own, e.g. `scheduler_schedule_attempts_total`.",
        "",
    ]
    lines[-1:] = ["\n## Alerts\n", *_render_alerts(alerts), ""]
    return "\n".join(lines)


def _render_alerts(alerts: str) -> Iterator[str]:
    yield "| alert | severity | when | what to know |"
    yield "|---|---|---|---|"
    for rule in (rule for group in yaml.safe_load(alerts)["groups"] for rule in group["rules"]):
        severity, advice = rule["labels"]["severity"], rule["annotations"]["description"]
        asked = f"`{rule['expr']}`" + (f" for {rule['for']}" if "for" in rule else "")
        yield f"| {rule['alert']} | {severity} | {asked.replace('|', chr(92) + '|')} | {advice} |"


def _split(labels: str) -> tuple[str, ...]:
    return tuple(label.strip().strip('"') for label in labels.split(",") if label.strip())


def _render_table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| metric | type | labels | what |"
    yield "|---|---|---|---|"
    for row in rows:
        yield f"| `{row.name}` | {row.kind} | {', '.join(f'`{label}`' for label in row.labels)} | {row.meaning} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or with `--check` say whether it differs; the exit code is 1 if it does."""
    pages = {"README.md": render_page(SCHEDULER_SOURCE.read_text(encoding="utf-8"), ALERTS.read_text(encoding="utf-8"))}
    return keep_files(pages, Path("docs/reference/metrics"), arguments)


if __name__ == "__main__":
    sys.exit(main())
