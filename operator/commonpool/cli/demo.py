"""`commonpool demo`: a cluster, two tenants and their work, from nothing to the reason why one gang waits."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from commonpool.cli.kubectl import Kubectl
from commonpool.cli.local import bring_up
from commonpool.cli.output import render_table
from commonpool.config import read_settings
from commonpool.errors import ClusterError
from commonpool.local.places import find_source

_PATIENCE_SECONDS = 120
_BAR_WIDTH = 32


@dataclass(frozen=True, slots=True)
class _Act:
    """Somebody applies some manifests."""

    says: str
    files: tuple[str, ...]
    user: tuple[str, ...] = ()


_ALICE = ("--as=alice", "--as-group=vision-team")
_BOB = ("--as=bob", "--as-group=nlp-team")
_ADMIN = _Act("An admin turns the fleet into three pools and gives two tenants their quotas.", ("pools", "tenants", "quotas"))
_TENANTS = (
    _Act(
        "Alice of tenant vision: a gang of 4 x 8 H100, and a plain Job that knows nothing of the pool.",
        ("training-gang", "plain-job"),
        _ALICE,
    ),
    _Act("Bob of tenant nlp: a service, and an HPC job over 4 whole nodes.", ("inference", "hpc"), _BOB),
    _Act("Alice again: one gang more, which cannot fit yet.", ("too-big-gang",), _ALICE),
)
_NAMESPACES = ("vision-dev", "vision-prod", "nlp-dev")


def demo() -> None:
    """Start the local cluster, let two tenants run their work in it, and show what happens.

    The first time it compiles Kubernetes: about 15 minutes on 2 cores. After that it takes less than a minute. It can be run
    again; the cluster stays up until `commonpool local down`.

    Exit codes: 0 all that fits runs and the rest says why it waits; 1 something failed.
    """
    cluster = bring_up()
    kubectl = Kubectl(cluster.kubeconfig)
    console = Console(highlight=False, soft_wrap=True)
    examples = find_source(read_settings()).root / "examples"
    _play(console, kubectl, _ADMIN, examples)
    _await(lambda: _counted(kubectl) >= set(_NAMESPACES), "the tenants' namespaces")
    for act in _TENANTS:
        _play(console, kubectl, act, examples)
    _watch_filling(console, kubectl)
    _show_end(console, kubectl, cluster.kubeconfig)


def _play(console: Console, kubectl: Kubectl, act: _Act, examples: Path) -> None:
    console.print(f"\n[bold]{act.says}[/]")
    for name in act.files:
        words = ["apply", "-f", str((examples / f"{name}.yaml").relative_to(examples.parent)), *act.user]
        console.print(f"[dim]$ kubectl {' '.join(words)}[/]")
        console.print(kubectl.run(*words, folder=examples.parent).rstrip(), markup=False)


def _counted(kubectl: Kubectl) -> set[str]:
    """Namespaces that take objects: Kubernetes has counted what is in them against their ResourceQuota."""
    return {item["metadata"]["namespace"] for item in kubectl.items("resourcequotas") if (item.get("status") or {}).get("hard")}


def _await(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not check():
        if time.monotonic() > deadline:
            raise ClusterError(
                f"{what} did not come within {_PATIENCE_SECONDS} s", hint="`commonpool local status` names the operator's log"
            )
        time.sleep(0.2)


def _watch_filling(console: Console, kubectl: Kubectl) -> None:
    """Show pools and workloads until each runs or says why it waits; on a pipe, a line at every change."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    console.print("\n[bold]The pool fills up:[/]")
    before = ""
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        while True:
            workloads = kubectl.items("gpuworkloads")
            shown = f"{render_pools(kubectl.items('gpupools'))}\n\n{render_workloads(workloads)}"
            if console.is_terminal:
                live.update(Text(shown))
            elif shown != before:
                console.print(shown + "\n", markup=False)
            before = shown
            if len(workloads) >= sum(len(act.files) for act in _TENANTS) and all(_settled(workload) for workload in workloads):
                break
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"the workloads did not settle within {_PATIENCE_SECONDS} s",
                    hint="`kubectl get gpuworkloads -A` says where each stands",
                )
            time.sleep(0.25)
    if console.is_terminal:
        console.print(shown, markup=False)


def _settled(workload: dict[str, Any]) -> bool:
    status = workload.get("status") or {}
    return bool(status.get("wait")) or _state(workload) in {"Running", "Completed", "Failed"}


def _state(workload: dict[str, Any]) -> str:
    conditions = (workload.get("status") or {}).get("conditions") or []
    return next((condition["reason"] for condition in conditions if condition["type"] == "Succeeded"), "")


def render_pools(pools: list[dict[str, Any]]) -> str:
    """A bar a pool: what is promised and running, of what there is."""
    lines = []
    for pool in pools:
        counts = (pool.get("status") or {}).get("accelerators") or {}
        total, free = counts.get("total", 0), counts.get("free", 0)
        held = total - free
        filled = held * _BAR_WIDTH // total if total else 0
        lines.append(f"{pool['metadata']['name']:<12}{'█' * filled}{'░' * (_BAR_WIDTH - filled)}  {held:>3} of {total} accelerators held")
    return "\n".join(lines)


def render_workloads(workloads: list[dict[str, Any]]) -> str:
    """A line a workload, as `kubectl get gpuworkloads` shows it."""
    rows = []
    for workload in workloads:
        status = workload.get("status") or {}
        metadata = workload["metadata"]
        rows.append(
            (
                metadata["namespace"],
                metadata["name"],
                status.get("kind") or "",
                status.get("pool") or "",
                (status.get("replicas") or {}).get("summary") or "",
                _state(workload),
            )
        )
    return render_table(("NAMESPACE", "NAME", "KIND", "POOL", "REPLICAS", "STATE"), rows)


def _show_end(console: Console, kubectl: Kubectl, kubeconfig: Path) -> None:
    console.print("\n[dim]$ kubectl get gpuworkloads -A[/]")
    console.print(kubectl.run("get", "gpuworkloads", "-A").rstrip(), markup=False)
    waiting = [workload for workload in kubectl.items("gpuworkloads") if (workload.get("status") or {}).get("wait")]
    for workload in waiting:
        metadata, wait = workload["metadata"], workload["status"]["wait"]
        console.print(f"\n[bold]Why `{metadata['namespace']}/{metadata['name']}` waits:[/] {wait['message']}", highlight=False)
        if wait.get("nearestChange"):
            console.print(f"[bold]What would start it:[/] {wait['nearestChange']}", highlight=False)
    console.print("\n[bold]Go on:[/]")
    for line in (
        f"export KUBECONFIG={kubeconfig} PATH={Path(sys.executable).parent}:$PATH",
        "commonpool top                                  # pools, tenants, who holds what",
        "commonpool explain vision-dev/too-big           # why it waits, what would start it",
        "kubectl explain gpuworkload.spec.training       # how to write your own",
        "kubectl delete gpuworkload pretrain -n vision-dev",
        "make down                                       # stop everything",
    ):
        console.print(f"  {line}", markup=False, soft_wrap=True)
