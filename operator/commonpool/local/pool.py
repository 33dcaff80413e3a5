"""commonpool itself as processes: the scheduler with our plugin and the operator, each with the account that the chart gives it."""

import sys
from pathlib import Path

import yaml

import commonpool
from commonpool.errors import SetupError
from commonpool.local.client import answers
from commonpool.local.credentials import request_token, write_kubeconfig, write_private
from commonpool.local.kubernetes import Builder
from commonpool.local.process import Process
from commonpool.local.real.addresses import EGRESS_SOCKET
from commonpool.local.real.group import REAL_LABEL
from commonpool.local.site import Site
from commonpool.model.names import OPERATOR_ACCOUNT, SCHEDULER_ACCOUNT, SYSTEM_NAMESPACE

_CONFIG_MAP = "commonpool-scheduler"
_CONFIG_KEY = "config.yaml"
_REAL_FIRST = {"weight": 100, "preference": {"matchExpressions": [{"key": REAL_LABEL, "operator": "Exists"}]}}
_ORDINARY_PROFILE = {
    "schedulerName": "default-scheduler",
    # Heavier than what spreads pods: a fake node only plays that it runs them.
    "plugins": {"multiPoint": {"enabled": [{"name": "NodeAffinity", "weight": 100}]}},
    "pluginConfig": [
        {"name": "NodeAffinity", "args": {"addedAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [_REAL_FIRST]}}},
    ],
}
"""Kubernetes' own, with its default plugins and not ours: elsewhere the cluster's own scheduler takes pods that ask for no accelerator."""


def build_scheduler(site: Site) -> Process:
    """Put the scheduler together, configured as the chart configures it, and for ordinary pods as every cluster's own is."""
    places = site.places
    config = places.root / "scheduler.yaml"
    write_private(config, _read_scheduler_config(site))
    _write_account(site, SCHEDULER_ACCOUNT)  # where the chart was told that it is
    port = site.claim_port("scheduler")
    argv = [
        str(site.binaries.find("kube-scheduler")),
        f"--config={config}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={places.pki / 'scheduler'}",
        "--authorization-always-allow-paths=/healthz,/readyz,/livez,/metrics",
        "--authentication-skip-lookup=true",
    ]
    return Process("scheduler", argv, lambda: answers(f"https://127.0.0.1:{port}/readyz"), reads=(config,))


def build_machines(site: Site) -> Process:
    """Put the provider of nodes together: it plays the machines that a cloud would boot."""
    argv = [sys.executable, "-m", "commonpool.local.machines", str(site.places.kubeconfig)]
    sources = sorted(Path(commonpool.__file__).parent.joinpath("local").glob("*.py"))
    return Process("machines", argv, lambda: True, {"PYTHONUNBUFFERED": "1"}, reads=sources)


def build_load(site: Site) -> Process:
    """Put the stand-in for Prometheus together: it tells the load that somebody has set."""
    port = site.claim_port("load")
    argv = [sys.executable, "-m", "commonpool.local.load", str(port)]
    sources = [Path(commonpool.__file__).parent / "local" / "load.py"]
    return Process("load", argv, lambda: answers(f"http://127.0.0.1:{port}/-/ready"), {"PYTHONUNBUFFERED": "1"}, reads=sources)


def build_operator(site: Site) -> Process:
    """Put the operator together: this very Python, the module that the image runs."""
    port = site.claim_port("operator")
    kubeconfig = _write_account(site, OPERATOR_ACCOUNT)
    environment = {
        "KUBECONFIG": kubeconfig,
        "COMMONPOOL_KUBECONFIG": kubeconfig,
        "COMMONPOOL_NAMESPACE": SYSTEM_NAMESPACE,
        "COMMONPOOL_LIBPACKING": str(site.binaries.find("libpacking.so")),
        "COMMONPOOL_HTTP_HOST": "127.0.0.1",
        "COMMONPOOL_HTTP_PORT": str(port),
        **({"COMMONPOOL_RECORDINGS": str(site.places.recordings)} if site.memory.recordings else {}),
        "COMMONPOOL_PROMETHEUS_URL": site.url("load", scheme="http"),
        "COMMONPOOL_PODS_SOCKET": EGRESS_SOCKET,  # nobody serves there without real nodes: fake pods' addresses may be other machines'
        "COMMONPOOL_LOAD_SECONDS": "1",
        "COMMONPOOL_CALM_SECONDS": "10",
        "PYTHONUNBUFFERED": "1",
    }
    return Process(
        "operator",
        [sys.executable, "-m", "commonpool.live"],
        lambda: answers(f"http://127.0.0.1:{port}/readyz"),
        environment,
        reads=sorted(Path(commonpool.__file__).parent.rglob("*.py")),  # whoever changes the code gets it with the next `up`
    )


POOL: dict[str, Builder] = {"machines": build_machines, "load": build_load, "scheduler": build_scheduler, "operator": build_operator}


def _write_account(site: Site, account: str) -> str:
    """Write a kubeconfig with a fresh token: one of an account that was deleted and made again would not be valid."""
    path = site.places.user_kubeconfig(account)
    token = request_token(site.client(), SYSTEM_NAMESPACE, account)
    write_kubeconfig(site.places, path, user=account, token=token, server=site.url("apiserver"))
    return str(path)


def _read_scheduler_config(site: Site) -> str:
    found = site.client().find(f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/configmaps/{_CONFIG_MAP}")
    if found is None or _CONFIG_KEY not in found.get("data", {}):
        raise SetupError(
            f"the chart left no `{_CONFIG_KEY}` in ConfigMap `{SYSTEM_NAMESPACE}/{_CONFIG_MAP}`",
            hint="it was deleted by hand, or the chart changed: `commonpool local up --fresh` installs it again",
        )
    return add_ordinary_profile(str(found["data"][_CONFIG_KEY]))


def add_ordinary_profile(config: str) -> str:
    """The chart's configuration with one more profile, `default-scheduler`."""
    content = yaml.safe_load(config)
    return yaml.safe_dump({**content, "profiles": [*content["profiles"], _ORDINARY_PROFILE]}, sort_keys=False)
