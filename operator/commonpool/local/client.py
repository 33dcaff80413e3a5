"""The few requests that starting a cluster needs, as JSON over one kept connection."""

import json
import ssl
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
import yaml

from commonpool.errors import ClusterError

Manifest = dict[str, Any]
_TIMEOUT = urllib3.Timeout(connect=2, read=30)


class RefusedError(ClusterError):
    """The apiserver refused; `status` is the HTTP code."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class Client:
    """Talks to one apiserver as one user. Safe to share between threads."""

    def __init__(self, server: str, *, token: str, authority: Path, impersonated: Sequence[str] = ()) -> None:
        self.server = server
        self._token = token
        self._authority = authority
        self._pool = urllib3.PoolManager(ca_certs=str(authority), maxsize=16, timeout=_TIMEOUT, retries=False)
        self._headers = urllib3.HTTPHeaderDict({"Authorization": f"Bearer {token}", "Accept": "application/json"})
        for header, name in zip(("Impersonate-User", *["Impersonate-Group"] * len(impersonated)), impersonated, strict=False):
            self._headers.add(header, name)

    @classmethod
    def from_kubeconfig(cls, path: Path) -> "Client":
        """Read one of the kubeconfigs that the local cluster writes: one cluster, one user with a token."""
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        return cls(cluster["server"], token=user["token"], authority=Path(cluster["certificate-authority"]))

    def impersonate(self, user: str, *groups: str) -> "Client":
        """The same connection asking as somebody else; RBAC and policies see only that user and these groups."""
        return Client(
            self.server, token=self._token, authority=self._authority, impersonated=(user, *(groups or ("system:authenticated",)))
        )

    def request(self, method: str, path: str, body: Manifest | None = None, *, query: Mapping[str, str] | None = None) -> Manifest:
        """Send one request and return the answer's JSON; raises `RefusedError` for a refusal, `ClusterError` if there is no answer."""
        headers = self._headers.copy()
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json" if method == "PATCH" else "application/json"
        url = self.server + path + (f"?{urlencode(query)}" if query else "")
        try:
            answer = self._pool.request(method, url, body=None if body is None else json.dumps(body).encode(), headers=headers)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterError(f"the apiserver at {self.server} does not answer: {error}") from error
        if answer.status >= 400:
            raise RefusedError(_read_message(answer.data), status=answer.status)
        return _read_json(answer.data)

    def get(self, path: str) -> Manifest:
        """Read."""
        return self.request("GET", path)

    def find(self, path: str) -> Manifest | None:
        """Read what may not exist."""
        try:
            return self.get(path)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def create(self, path: str, body: Manifest) -> bool:
        """Create; returns False if it exists already."""
        try:
            self.request("POST", path, body)
        except RefusedError as error:
            if error.status == 409:
                return False
            raise
        return True

    def delete(self, path: str) -> None:
        """Delete what may not exist."""
        try:
            self.request("DELETE", path)
        except RefusedError as error:
            if error.status != 404:
                raise

    def is_ready(self) -> bool:
        """Whether the apiserver says it is ready."""
        try:
            self.get("/readyz")
        except ClusterError:
            return False
        return True


def answers(url: str) -> bool:
    """Whether a health endpoint on 127.0.0.1 says 200; its certificate is its own and proves nothing, so it is not looked at."""
    parts = urlsplit(url)
    port = parts.port or 0
    if parts.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection: HTTPConnection = HTTPSConnection("127.0.0.1", port, timeout=2, context=context)
    else:
        connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()


def _read_json(data: bytes) -> Manifest:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _read_message(data: bytes) -> str:
    return str(_read_json(data).get("message") or data.decode(errors="replace"))[:2000]
