"""Where the demo plays: acts are applied, and the pools are watched until what was promised has come."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from commonpool.cli.kubectl import Kubectl
from commonpool.cli.output import render_table
from commonpool.errors import ClusterError

_PATIENCE_SECONDS = 120
_POLL_SECONDS = 0.25
_BAR_WIDTH = 32


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody applies, or deletes, some manifests of examples/."""

    says: str
    files: tuple[str, ...]
    user: tuple[str, ...] = ()
    verb: str = "apply"


ALICE = ("--as=alice", "--as-group=vision-team")
BOB = ("--as=bob", "--as-group=nlp-team")


class Stage:
    """The local cluster and the terminal."""

    def __init__(self, console: Console, kubectl: Kubectl, examples: Path) -> None:
        self.console = console
        self.kubectl = kubectl
        self._examples = examples

    def play(self, act: Act) -> None:
        """Show what is done and what kubectl says to it."""
        self.console.print(f"\n[bold]{act.says}[/]")
        for name in act.files:
            words = [act.verb, "-f", str((self._examples / f"{name}.yaml").relative_to(self._examples.parent)), *act.user]
            self.console.print(f"[dim]$ kubectl {' '.join(words)}[/]")
            self.console.print(self.kubectl.run(*words, folder=self._examples.parent).rstrip(), markup=False)

    def clear(self, *names: str) -> None:
        """Remove what an earlier run has left of these examples."""
        for name in names:
            self.kubectl.run("delete", "--ignore-not-found", "-f", str(self._examples / f"{name}.yaml"))

    def wait(self, check: Callable[[], bool], what: str) -> None:
        """Until it is so; ClusterError if it never is."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not check():
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"{what} did not come within {_PATIENCE_SECONDS} s", hint="`commonpool local status` names the operator's log"
                )
            time.sleep(_POLL_SECONDS)

    def watch(self, title: str, done: Callable[[list[dict[str, Any]]], bool], *, only: str = "") -> None:
        """Show pools and workloads until `done` says so of the workloads; on a pipe, at every change. `only`: one pool and its work."""
        self.console.print(f"\n[bold]{title}[/]")
        shown = ""
        with Live(console=self.console, refresh_per_second=8, transient=True) as live:

            def look() -> bool:
                nonlocal shown
                workloads, before = self.kubectl.items("gpuworkloads"), shown
                over = done(workloads)
                shown = self._render(workloads, only)
                if self.console.is_terminal:
                    live.update(Text(shown))
                elif shown != before:
                    self.console.print(shown + "\n", markup=False)
                return over

            self.wait(look, "what the demo waits for")
        if self.console.is_terminal:
            self.console.print(shown, markup=False)

    def _render(self, workloads: list[dict[str, Any]], only: str) -> str:
        pools = [pool for pool in self.kubectl.items("gpupools") if only in {"", pool["metadata"]["name"]}]
        shown = [each for each in workloads if not only or wants(each, only)]
        return "\n\n".join((render_pools(pools), *((render_workloads(shown),) if shown else ())))


def wants(workload: dict[str, Any], pool: str) -> bool:
    """Whether it is for this pool."""
    return any(choice.get("pool") == pool for choice in workload["spec"]["accelerators"].get("anyOf") or ())


def state_of(workload: dict[str, Any]) -> str:
    """Where it stands, as `kubectl get` shows it."""
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
                state_of(workload),
            )
        )
    return render_table(("NAMESPACE", "NAME", "KIND", "POOL", "REPLICAS", "STATE"), rows)
