"""`commonpool demo`: a cluster, two tenants and their work, from nothing to a pool that breathes and the reason why one gang waits."""

import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from commonpool.cli.breathing import BREATHING, breathe
from commonpool.cli.kubectl import Kubectl
from commonpool.cli.local import bring_up
from commonpool.cli.progress import telling
from commonpool.cli.reality import COMPUTING, choose_real_nodes, compute
from commonpool.cli.stage import ALICE, BOB, Act, Stage, state_of
from commonpool.config import read_settings
from commonpool.local.cluster import Wish
from commonpool.local.places import find_source

_ADMIN = Act("An admin turns the fleet into four pools and gives two tenants their quotas.", ("pools", "scaling-pool", "tenants", "quotas"))
_TENANTS = (
    Act(
        "Alice of tenant vision: a gang of 4 x 8 H100, and a plain Job that knows nothing of the pool.",
        ("training-gang", "plain-job"),
        ALICE,
    ),
    Act("Bob of tenant nlp: a service, and an HPC job over 4 whole nodes.", ("inference", "hpc"), BOB),
    Act("Alice again: one gang more, which cannot fit yet.", ("too-big-gang",), ALICE),
)
_NAMESPACES = ("vision-dev", "vision-prod", "nlp-dev")


def demo() -> None:
    """Start the local cluster, let two tenants run their work in it, and show what happens.

    The first time it compiles Kubernetes: about 15 minutes on 2 cores. After that it takes about a minute and a half. As root on Debian
    two nodes are real, and a Job computes there; elsewhere all are fake, and it says so. It can be run again; the cluster stays up until
    `commonpool local down`.

    For example:

        commonpool demo

        commonpool demo && commonpool local down

    Exit codes: 0 all that fits runs and the rest says why it waits; 1 something failed.
    """
    with telling() as teller:
        real_nodes, obstacle = choose_real_nodes(teller)
    cluster = bring_up(Wish(real_nodes=real_nodes or None))
    kubectl = Kubectl(cluster.kubeconfig)
    console = Console(highlight=False, soft_wrap=True)
    stage = Stage(console, kubectl, find_source(read_settings()).root / "examples")
    stage.play(_ADMIN)
    stage.wait(lambda: _counted(kubectl) >= set(_NAMESPACES), "the tenants' namespaces")
    stage.clear(*BREATHING, *COMPUTING)
    for act in _TENANTS:
        stage.play(act)
    expected = sum(len(act.files) for act in _TENANTS)
    stage.watch("The pool fills up:", lambda workloads: len(workloads) >= expected and all(_settled(each) for each in workloads))
    breathe(stage)
    compute(stage, obstacle)
    _show_end(console, kubectl, cluster.kubeconfig)


def _counted(kubectl: Kubectl) -> set[str]:
    """Namespaces that take objects: Kubernetes has counted what is in them against their ResourceQuota."""
    return {item["metadata"]["namespace"] for item in kubectl.items("resourcequotas") if (item.get("status") or {}).get("hard")}


def _settled(workload: dict[str, Any]) -> bool:
    status = workload.get("status") or {}
    return bool(status.get("wait")) or state_of(workload) in {"Running", "Completed", "Failed"}


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
