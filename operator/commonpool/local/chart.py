"""Installs the chart that a real cluster gets, with the real helm; only the Deployments have no replicas: the processes run here."""

import hashlib
import os
import subprocess
from pathlib import Path

from commonpool.errors import SetupError
from commonpool.local.client import Client, Manifest
from commonpool.local.nodegroups import LOCAL_GROUP, PLURAL
from commonpool.local.pids import MARK
from commonpool.local.policies import wait_policies
from commonpool.local.site import Site
from commonpool.local.teller import Teller
from commonpool.local.waiting import wait_until
from commonpool.model.names import GROUP, SCHEDULER_ACCOUNT, SYSTEM_NAMESPACE

_RELEASE = "commonpool"
_SETTINGS = (
    "operator.replicas=0",
    "scheduler.replicas=0",
    "scheduler.leaderElect=false",  # a single process has nobody to wait for
    f"scaling.providers[0].apiGroup={LOCAL_GROUP}",
    f"scaling.providers[0].resource={PLURAL}",
)
_TIMEOUT_SECONDS = 60


def install_chart(site: Site, teller: Teller) -> bool:
    """Install or upgrade it and wait until its kinds and policies are in force; nothing is done if this very chart is installed.

    Returns whether its kinds are new to this cluster.
    """
    chart = site.binaries.source.chart
    digest = compute_digest(chart)
    if site.memory.chart == digest:
        return False
    teller.say("installing the chart")
    client = site.client()
    known = _kinds_are_served(client)
    _forget_interrupted(client)
    _run_helm(site, chart)
    wait_until(lambda: _kinds_are_served(client), "the chart's kinds are served", _TIMEOUT_SECONDS)
    wait_policies(client, digest[:12])
    site.memory.chart = digest
    return not known


def compute_digest(chart: Path) -> str:
    """Digest of a chart's files and of what we set."""
    digest = hashlib.sha256(repr(_SETTINGS).encode())
    # os.walk, because the chart's CRDs are a link to crds/ and rglob does not follow it.
    for file in sorted(Path(folder) / name for folder, _, names in os.walk(chart, followlinks=True) for name in names):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(chart)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _run_helm(site: Site, chart: Path) -> None:
    home = site.places.root / "helm"
    settings = (*_SETTINGS, f"scheduler.kubeconfig={site.places.user_kubeconfig(SCHEDULER_ACCOUNT)}")
    answer = subprocess.run(
        [
            *(site.binaries.find("helm"), "upgrade", "--install", _RELEASE, chart),
            *("--namespace", SYSTEM_NAMESPACE, "--create-namespace", "--kubeconfig", site.places.kubeconfig),
            *(word for setting in settings for word in ("--set", setting)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={
            **os.environ,
            MARK: str(site.places.root),
            **{f"HELM_{kind}_HOME": str(home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")},
        },
    )
    if answer.returncode != 0:
        raise SetupError(f"helm could not install the chart:\n\n{(answer.stderr or answer.stdout).strip()}")


def _forget_interrupted(client: Client) -> None:
    """A helm that was killed leaves a release that is pending for ever; we hold the cluster's lock, so nobody is at it."""
    secrets = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/secrets"
    pending = "status+in+(pending-install,pending-upgrade,pending-rollback)"
    for secret in client.get(f"{secrets}?labelSelector=owner%3Dhelm,name%3D{_RELEASE},{pending}").get("items", []):
        client.delete(f"{secrets}/{secret['metadata']['name']}")


def _kinds_are_served(client: Client) -> bool:
    kinds = client.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")["items"]
    ours = [kind for kind in kinds if kind["spec"]["group"] == GROUP]
    return bool(ours) and all(_is_established(kind) for kind in ours)


def _is_established(kind: Manifest) -> bool:
    conditions = kind.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)
