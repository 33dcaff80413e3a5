"""Makes the cluster's nodes those of the fleet file."""

from concurrent.futures import ThreadPoolExecutor

from commonpool.local.client import Client, Manifest
from commonpool.local.fleet import GROUP_LABEL, Fleet, build_nodes
from commonpool.local.nodegroups import apply_groups
from commonpool.local.teller import Teller

_NODES = "/api/v1/nodes"
_THREADS = 8


def apply_fleet(client: Client, fleet: Fleet, teller: Teller) -> None:
    """Create the nodes that are missing and delete the fake ones that the file does not name; those that are there stay as they are.

    Of a group that can be scaled only the first nodes are made here; from then on they are the business of `machines`.
    """
    scaled = apply_groups(client, fleet)
    wanted = {node["metadata"]["name"]: node for node in build_nodes(fleet) if node["metadata"]["labels"].get(GROUP_LABEL) not in scaled}
    fake = [node for node in client.get(_NODES)["items"] if _is_fake(node)]
    existing = {node["metadata"]["name"] for node in fake if node["metadata"]["labels"].get(GROUP_LABEL) not in scaled}
    missing = [node for name, node in wanted.items() if name not in existing]
    surplus = sorted(existing - set(wanted))
    if not missing and not surplus:
        return
    teller.say(f"making {len(missing)} nodes" + (f", removing {len(surplus)}" if surplus else ""))
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(client.create, [_NODES] * len(missing), missing))
        list(threads.map(client.delete, [f"{_NODES}/{name}" for name in surplus]))


def _is_fake(node: Manifest) -> bool:
    return bool(node["metadata"].get("annotations", {}).get("kwok.x-k8s.io/node") == "fake")
