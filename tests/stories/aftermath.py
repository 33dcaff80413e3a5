"""What a story that failed leaves in its report: of a run elsewhere nothing else is ever seen."""

import json
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.stories.story import OURS

from commonpool.errors import CommonpoolError
from commonpool.local.client import Manifest
from commonpool.local.cluster import LocalCluster

LOGS = ("operator", "scheduler", "real-*-kubelet")
MOST_LINES = 40
MOST_COLUMNS = 400


def describe(cluster: LocalCluster) -> Iterator[tuple[str, str]]:
    """Titles and texts: the end of the logs of who decides, binds and runs, the last plan that moved anything, what work and pods tell."""
    for path in sorted(path for name in LOGS for path in cluster.places.logs.glob(f"{name}*.log")):
        yield f"end of {path.name}", "\n".join(_read_end(path))
    recordings = sorted(cluster.places.recordings.glob("round-*.json"), key=lambda path: path.stat().st_mtime)
    for path in recordings[-1:]:
        written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        plan = json.loads(path.read_text(encoding="utf-8"))["plan"]
        yield f"plan of {path.name}, written at {written_at:%H:%M:%S}", "\n".join(_render_plan(plan))
    yield f"workloads at {datetime.now(UTC):%H:%M:%S}", "\n".join(_list_workloads(cluster))  # noqa: TID251 - a report says when it was made
    yield "pods", "\n".join(_list_pods(cluster))


def _read_end(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from (line.rstrip("\n")[:MOST_COLUMNS] for line in deque(file, MOST_LINES))


def _render_plan(plan: Manifest) -> Iterator[str]:
    """A line an action."""
    for part, said in plan.items():
        if isinstance(said, list):
            yield from (f"{part}: {json.dumps(each)}"[:MOST_COLUMNS] for each in said[:MOST_LINES])


def _list_workloads(cluster: LocalCluster) -> Iterator[str]:
    for each in _list(cluster, f"{OURS}/gpuworkloads"):
        metadata, status = each["metadata"], each.get("status", {})
        states = {condition["type"]: condition["reason"] for condition in status.get("conditions", [])}
        said = {key: status[key] for key in ("wait", "replicas", "resize", "lastEviction", "promisedAt") if key in status}
        yield f"{metadata['namespace']}/{metadata['name']}: {json.dumps({**states, **said})}"[: 2 * MOST_COLUMNS]


def _list_pods(cluster: LocalCluster) -> Iterator[str]:
    for each in _list(cluster, "/api/v1/pods"):
        metadata, status = each["metadata"], each["status"]
        kept = ("phase", "reason", "message", "startTime", "containerStatuses")
        said = {"node": each["spec"].get("nodeName"), **{key: status[key] for key in kept if key in status}}
        yield f"{metadata['namespace']}/{metadata['name']}: {json.dumps(said)}"[: 2 * MOST_COLUMNS]


def _list(cluster: LocalCluster, path: str) -> list[Manifest]:
    """The first of them; none where nobody answers."""
    try:
        found: list[Manifest] = cluster.client().get(path).get("items", [])
    except CommonpoolError:
        return []
    return found[:MOST_LINES]
