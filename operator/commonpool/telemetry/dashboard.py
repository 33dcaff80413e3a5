"""The Grafana dashboard: `python -m commonpool.telemetry.dashboard` writes it into the chart."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from commonpool.api.generated import keep_files
from commonpool.telemetry.panels import ROWS, Look, Panel

Json = dict[str, Any]

FILE = "dashboard.json"
SCHEMA_VERSION = 41  # Grafana 12; older ones are migrated when they are read
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS = 24
_HEIGHTS = {Look.STAT: 4, Look.LINES: 8, Look.BARS: 8}


def build_dashboard() -> Json:
    """The whole dashboard as Grafana's JSON model has it."""
    return {
        "uid": "commonpool",
        "title": "commonpool",
        "description": "One shared pool of accelerators: what there is, who holds it, who waits and why, and what deciding costs.",
        "tags": ["commonpool", "accelerators"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [_build_changes_of_leader()]},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}, "options": []},
                _build_variable("pool", "Pool", "label_values(commonpool_pool_capacity_accelerators, pool)"),
                _build_variable("tenant", "Tenant", "label_values(commonpool_holding_workloads, tenant)"),
            ]
        },
        "links": [],
        "panels": list(_lay_out()),
    }


def list_queries() -> Iterator[str]:
    """All PromQL of the dashboard, variables and all."""
    for row in ROWS:
        for panel in row.panels:
            yield from (expression for expression, _ in panel.queries)


def render_dashboard() -> str:
    """As it is committed."""
    return json.dumps(build_dashboard(), indent=1, ensure_ascii=False) + "\n"


def _build_changes_of_leader() -> Json:
    return {
        "name": "New leader",
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "orange",
        "expr": "changes(max(commonpool_leader_epoch)[1m:15s]) > 0",
        "step": "60s",
        "titleFormat": "new leader",
    }


def _build_variable(name: str, label: str, query: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "options": [],
    }


def _lay_out() -> Iterator[Json]:
    """Panels from left to right, the next line where one is full."""
    number, top = 0, 0
    for row in ROWS:
        number += 1
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": _place(0, top, _COLUMNS, 1), "panels": []}
        top += 1
        left = height = 0
        for panel in row.panels:
            number += 1
            if left + panel.width > _COLUMNS:
                left, top = 0, top + height
            height = _HEIGHTS[panel.look]
            yield _build_panel(panel, number, _place(left, top, panel.width, height))
            left += panel.width
        top += height


def _place(left: int, top: int, width: int, height: int) -> Json:
    return {"x": left, "y": top, "w": width, "h": height}


def _build_panel(panel: Panel, number: int, place: Json) -> Json:
    return {
        "id": number,
        "type": panel.look.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [_build_target(panel, index) for index in range(len(panel.queries))],
        "fieldConfig": {"defaults": _build_defaults(panel), "overrides": []},
        "options": _build_options(panel.look),
    }


def _build_target(panel: Panel, index: int) -> Json:
    expression, legend = panel.queries[index]
    instant = panel.look is Look.BARS
    return {
        "refId": chr(ord("A") + index),
        "datasource": _SOURCE,
        "editorMode": "code",
        "expr": expression,
        "legendFormat": legend or "__auto",
        "instant": instant,
        "range": not instant,
    }


def _build_defaults(panel: Panel) -> Json:
    defaults: Json = {"unit": panel.unit, "min": 0} if panel.title != "Borrowed and lent" else {"unit": panel.unit}
    if panel.look is Look.LINES:
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 40 if panel.stacked else 5,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        }
    return defaults


def _build_options(look: Look) -> Json:
    last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if look is Look.STAT:
        return {"colorMode": "none", "graphMode": "area", "reduceOptions": last, "textMode": "auto"}
    if look is Look.BARS:
        return {"displayMode": "basic", "orientation": "horizontal", "reduceOptions": last, "showUnfilled": True}
    return {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}, "tooltip": {"mode": "multi", "sort": "desc"}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the dashboard, or with `--check` say whether it differs; the exit code is 1 if it does."""
    return keep_files({FILE: render_dashboard()}, Path("helm/commonpool/monitoring"), arguments)


if __name__ == "__main__":
    sys.exit(main())
