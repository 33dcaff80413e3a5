"""The demo's real node, where this machine can have one: a Job computes there, and its log is shown."""

from typing import Any

from commonpool.cli.stage import ALICE, Act, Stage, state_of
from commonpool.config import read_settings
from commonpool.errors import SetupError
from commonpool.local.binaries import Binaries
from commonpool.local.memory import read_memory
from commonpool.local.places import find_places, find_source
from commonpool.local.real.group import REAL_LABEL
from commonpool.local.real.obstacle import find_obstacle
from commonpool.local.real.stock import make_stock
from commonpool.local.teller import Teller

COMPUTING = ("real-job",)
"""Examples that this part begins anew each time."""

_POOL = Act("The nodes of one more pool are real: kubelets with containers, on this machine.", ("real-pool",))
_JOB = Act("Alice's Job computes there.", ("real-job",), ALICE)
_NAMESPACE, _NAME = "vision-dev", "descent"


def choose_real_nodes(teller: Teller) -> tuple[int, str]:
    """How many real nodes the demo's cluster shall have, as many as it had or one; if none, why."""
    settings = read_settings()
    if obstacle := find_obstacle():
        return 0, obstacle
    try:
        make_stock(Binaries(find_source(settings), settings.cache_dir, teller))
    except SetupError as error:
        return 0, f"what a real node takes cannot be made: {error.message.splitlines()[0]}"
    return read_memory(find_places(settings, settings.cluster).memory).real_nodes or 1, ""


def compute(stage: Stage, obstacle: str) -> None:
    """Play it, or say why not."""
    if obstacle:
        stage.console.print(f"\n[bold]All nodes are fake, nothing computes:[/] {obstacle}", highlight=False)
        return
    stage.play(_POOL)
    stage.play(_JOB)
    stage.watch("It runs:", _completed, only="real")
    names = ", ".join(node["metadata"]["name"] for node in stage.kubectl.items("nodes") if REAL_LABEL in node["metadata"]["labels"])
    words = ("logs", "-n", _NAMESPACE, f"job/{_NAME}")
    stage.console.print(f"\n[bold]Real nodes: {names}; all others are fake.[/]\n[dim]$ kubectl {' '.join(words)}[/]")
    stage.console.print(stage.kubectl.run(*words).rstrip(), markup=False)


def _completed(workloads: list[dict[str, Any]]) -> bool:
    return any(each["metadata"]["name"] == _NAME and state_of(each) == "Completed" for each in workloads)
