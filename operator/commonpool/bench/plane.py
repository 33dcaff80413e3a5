"""A cluster for one run: fresh, with as many fake nodes as asked for, and nobody who plays the kubelets.

Pods stay bound and never run, so that what is measured ends with the binding.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from commonpool.bench.setting import Mode, Setting
from commonpool.bench.stock import start_stock
from commonpool.config import Settings
from commonpool.local.client import Client, Manifest
from commonpool.local.cluster import LocalCluster, Wish
from commonpool.local.fleet import Fleet, parse_fleet
from commonpool.local.teller import Teller
from commonpool.local.waiting import wait_until
from commonpool.model.names import API_VERSION

CLUSTER = "bench"
NAMESPACE = "bench"
WAITING = "bench-waiting"
USER = "alice"
POOL = "bench"
GROUP = "gpu"
RESOURCE = "nvidia.com/gpu"

ON_THE_POOL = frozenset({Mode.WRITES, Mode.POOL, Mode.JOBS})
"""The modes in which the chart is installed."""

_OWN = f"/apis/{API_VERSION}"
_PATIENCE_SECONDS = 120
_MOST_OF_ONE_DEPLOYMENT = 500


@contextmanager
def open_cluster(settings: Settings, setting: Setting, mode: Mode, teller: Teller, *, recordings: bool = False) -> Iterator[LocalCluster]:
    """Bring it up as the mode needs it, and take it down with all its data. Rounds are not recorded, as by the chart's default."""
    cluster = LocalCluster(settings, CLUSTER, teller)
    ours = mode in ON_THE_POOL
    try:
        fleet = build_fleet(setting, tainted=ours)
        wish = Wish(fleet=fleet, pool=ours, operator=ours, audit=True, fairness=False, recordings=recordings)
        cluster.up(wish, fresh=True)
        cluster.stop("kwok")
        if ours:
            _make_pool(cluster.client(), setting)
            for name in ("operator", "scheduler") if mode is Mode.WRITES else ():
                cluster.stop(name)
        else:
            cluster.client().create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
            await_accounts(cluster.client(), NAMESPACE)
        if mode is Mode.STOCK:
            start_stock(cluster)
        yield cluster
    finally:
        cluster.down(delete=True)


def build_fleet(setting: Setting, *, tainted: bool) -> Fleet:
    """Nodes that are alike, 8 in a rack and 4 racks in a block, and one tenant's user."""
    group = {
        "name": GROUP,
        "nodes": setting.nodes,
        "nodesPerRack": 8,
        "racksPerBlock": 4,
        "resources": {"cpu": "128", "memory": "1Ti", "pods": "250", RESOURCE: str(setting.gpus)},
        **({"pool": POOL} if tainted else {}),
    }
    return parse_fleet({"groups": [group], "users": [{"name": USER, "groups": ["bench-team"]}]}, "of the benchmark")


def _make_pool(client: Client, setting: Setting) -> None:
    """One pool of all nodes; a tenant that may have all of it, and one that may have nothing, whose pods wait."""
    selector = {"matchLabels": {"node.kubernetes.io/instance-type": GROUP}}
    _create(client, "GPUPool", POOL, {"vendor": "nvidia", "model": "H100-SXM-80GB", "nodes": selector})
    for name, limit in ((NAMESPACE, setting.nodes * setting.gpus), (WAITING, 0)):
        member = {"kind": "Group", "name": "bench-team", "role": "edit"}
        _create(client, "Tenant", name, {"namespaces": [name], "members": [member]})
        _create(client, "GPUQuota", name, {"tenant": name, "pools": [{"pool": POOL, "guaranteed": limit, "limit": limit}]})
    for name in (NAMESPACE, WAITING):
        wait_until(lambda name=name: _is_counted(client, name), f"namespace `{name}` is ready", _PATIENCE_SECONDS)  # type: ignore[misc]
        await_accounts(client, name)
    total = setting.nodes * setting.gpus
    wait_until(lambda: _read_total(client) == total, f"the pool has {total} accelerators", _PATIENCE_SECONDS)
    if setting.held:
        _hold(client, setting.held)


def _hold(client: Client, pods: int) -> None:
    """Pods that exist and that the scheduler holds: those of Deployments, whose tenant may have nothing."""
    for number, first in enumerate(range(0, pods, _MOST_OF_ONE_DEPLOYMENT)):
        replicas = min(_MOST_OF_ONE_DEPLOYMENT, pods - first)
        container = {
            "name": "main",
            "image": "registry.example/serve:1",
            "resources": {"limits": {RESOURCE: "1", "cpu": "2", "memory": "4Gi"}},
        }
        labels = {"app": f"waits-{number}"}
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        }
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": f"waits-{number}"}, "spec": spec}
        client.create(f"/apis/apps/v1/namespaces/{WAITING}/deployments", deployment)

    def all_exist() -> bool:
        found = client.get(f"/apis/apps/v1/namespaces/{WAITING}/deployments")["items"]
        return sum(int((each.get("status") or {}).get("replicas", 0)) for each in found) >= pods

    wait_until(all_exist, f"{pods} pods wait", _PATIENCE_SECONDS + pods // 20)


def _create(client: Client, kind: str, name: str, spec: Manifest) -> None:
    plural = {"GPUPool": "gpupools", "Tenant": "tenants", "GPUQuota": "gpuquotas"}[kind]
    client.create(f"{_OWN}/{plural}", {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec})


def _is_counted(client: Client, namespace: str) -> bool:
    """Kubernetes has counted what is in the namespace against its ResourceQuota, so that objects can be made there."""
    found = client.find(f"/api/v1/namespaces/{namespace}/resourcequotas/commonpool-objects")
    return found is not None and bool((found.get("status") or {}).get("hard"))


def await_accounts(client: Client, namespace: str) -> None:
    """Until pods can be made there."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    wait_until(lambda: client.find(path) is not None, f"namespace `{namespace}` has its account", _PATIENCE_SECONDS)


def _read_total(client: Client) -> int:
    status = client.get(f"{_OWN}/gpupools/{POOL}").get("status") or {}
    return int((status.get("accelerators") or {}).get("total") or 0)
