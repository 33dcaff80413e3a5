"""A second operator beside the cluster's own: the same program under another name, with a token by which the audit log knows it."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commonpool.local.client import Manifest
from commonpool.local.cluster import LocalCluster
from commonpool.local.credentials import request_token, write_kubeconfig
from commonpool.local.pids import MARK
from commonpool.model.names import OPERATOR_ACCOUNT, SYSTEM_NAMESPACE

NAME = "rival"
_CREDENTIAL = "authentication.kubernetes.io/credential-id"


@contextmanager
def standing_by(cluster: LocalCluster) -> Iterator[str]:
    """While the block runs; gives the credential that it writes with. At the end it is told to stop and gives the Lease back."""
    admin = cluster.client()
    token = request_token(admin, SYSTEM_NAMESPACE, OPERATOR_ACCOUNT)
    kubeconfig = cluster.user_kubeconfig(NAME)
    write_kubeconfig(cluster.places, kubeconfig, user=OPERATOR_ACCOUNT, token=token, server=admin.server)
    environment = {
        **os.environ,
        MARK: str(cluster.places.root),
        "COMMONPOOL_KUBECONFIG": str(kubeconfig),
        "COMMONPOOL_IDENTITY": NAME,
        "COMMONPOOL_LIBPACKING": str(cluster.find_program("libpacking.so")),
        "COMMONPOOL_HTTP_HOST": "127.0.0.1",
        "COMMONPOOL_HTTP_PORT": "0",
        "COMMONPOOL_RECORDINGS": str(cluster.places.recordings),
        "PYTHONUNBUFFERED": "1",
    }
    with cluster.log(NAME).open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "commonpool.live"], env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield read_credential(token)
    finally:
        process.terminate()
        process.wait(timeout=30)


def find_credential(cluster: LocalCluster) -> str:
    """The one that the cluster's own operator writes with, as long as it is not started again."""
    return read_credential(_read_token(cluster.user_kubeconfig(OPERATOR_ACCOUNT)))


def read_credential(token: str) -> str:
    body = token.split(".")[1]
    return f"JTI={json.loads(base64.urlsafe_b64decode(body + '=' * (-len(body) % 4)))['jti']}"


def writes_of(credential: str, writes: list[Manifest]) -> list[Manifest]:
    return [event for event in writes if credential in event["user"].get("extra", {}).get(_CREDENTIAL, ())]


def _read_token(kubeconfig: Path) -> str:
    config = json.loads(kubeconfig.read_text(encoding="utf-8"))
    return str(config["users"][0]["user"]["token"])
