"""Raw JSON to and from the apiserver, on the official client's asyncio part.

The official client finds the cluster, the certificates and the token; bodies stay bytes,
so that each caller decodes only what it needs. Retrying is the caller's business.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
import yaml
from kubernetes.aio import config as kubernetes_config
from kubernetes.aio.client import ApiClient, Configuration

from commonpool.errors import SetupError
from commonpool.kube.errors import ApiError, Conflict, NotFound, TooManyRequests, Unavailable, translate_status
from commonpool.kube.resources import Resource, read_key

FIELD_MANAGER = "commonpool-operator"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"  # JSON is YAML

Observe = Callable[[str, str, float], None]
"""Is told of each request: method (WATCH for a watch), the answer's code or `none`, and the seconds until the answer began."""

_AUTH = ["BearerToken"]
OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where a pod reads in which namespace it is."""
_UNREADABLE = (kubernetes_config.ConfigException, OSError, ValueError, TypeError, AttributeError, yaml.YAMLError)  # it checks little
_WATCHES = 32  # connections beside those that the semaphore counts


class Client:
    """One apiserver, at most `concurrency` requests at a time (watches not counted).

    `guard` is asked before everything that is not a GET, and may raise: whoever no longer leads must not write.
    """

    def __init__(
        self,
        api: ApiClient,
        *,
        concurrency: int = 32,
        timeout_seconds: float = 30,
        guard: Callable[[], None] = lambda: None,
        observe: Observe = lambda *_: None,
    ) -> None:
        self._api = api
        self._guard = guard
        self._observe = observe
        self._slots = asyncio.Semaphore(concurrency)
        self._timeout_seconds = timeout_seconds

    @property
    def configuration(self) -> Configuration:
        """Where the cluster is and who we are, for another library's connection."""
        return self._api.configuration

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> bytes:
        """One object."""
        return await self._request("GET", resource.path(namespace, name))

    async def discover(self, api_version: str) -> bytes:
        """Which kinds a group and version serves (metav1.APIResourceList)."""
        return await self._request("GET", f"{'/apis' if '/' in api_version else '/api'}/{api_version}")

    async def list_page(self, resource: Resource, *, limit: int = 500, token: str = "", selector: str = "") -> bytes:
        """One page of all objects of all namespaces; `token` is the page before's `metadata.continue`."""
        query = {"limit": str(limit), "continue": token, "labelSelector": selector}
        return await self._request("GET", resource.path(), query=query)

    @asynccontextmanager
    async def watch(
        self, resource: Resource, version: str, *, timeout_seconds: int, inactivity_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Changes after `version`, one JSON object a line, bookmarks among them.

        The apiserver ends it after `timeout_seconds`; Unavailable if it breaks, or says nothing for
        `inactivity_seconds` (a bookmark comes about once a minute).
        """
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version, "timeoutSeconds": str(timeout_seconds)}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=inactivity_seconds)
        response = await self._send("GET", resource.path(), query=query, timeout=timeout)
        try:
            await _check(response)
            yield _lines(response.content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"the watch of {resource.plural} broke: {_say(error)}") from error
        finally:
            response.close()

    async def create(self, resource: Resource, manifest: Mapping[str, Any]) -> bytes:
        """Make an object; AlreadyExists if there is one of that name."""
        namespace, _ = read_key(manifest)
        return await self._request("POST", resource.path(namespace), body=manifest)

    async def merge_patch(self, resource: Resource, namespace: str, name: str, patch: Mapping[str, Any], *, subresource: str = "") -> bytes:
        """Change the fields that the patch names; `metadata.uid` in it makes it Conflict on another object of that name."""
        return await self._request("PATCH", resource.path(namespace, name, subresource), body=patch, content_type=MERGE_PATCH)

    async def json_patch(self, resource: Resource, namespace: str, name: str, operations: Sequence[Mapping[str, Any]]) -> bytes:
        """Change with RFC 6902 operations; Invalid if one of its tests fails."""
        return await self._request("PATCH", resource.path(namespace, name), body=list(operations), content_type=JSON_PATCH)

    async def apply(self, resource: Resource, manifest: Mapping[str, Any]) -> bytes:
        """Server-side apply: the object gets the fields given, loses those that we gave before and no longer give."""
        namespace, name = read_key(manifest)
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._request("PATCH", resource.path(namespace, name), query=query, body=manifest, content_type=APPLY_PATCH)

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str = "", grace_seconds: int | None = None) -> None:
        """Remove an object; one that is gone, or that another has replaced since (`uid`), is success.

        `grace_seconds`: how long a pod may take to end, instead of what it says itself; for one that is ending already it can only fall.
        """
        options: dict[str, Any] = {"propagationPolicy": "Background"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            await self._request("DELETE", resource.path(namespace, name), body=options)
        except NotFound:
            return
        except Conflict:
            if not uid:
                raise

    async def _request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None, content_type: str = "application/json"
    ) -> bytes:
        timeout = aiohttp.ClientTimeout(total=self._timeout_seconds, sock_connect=10)
        async with self._slots:
            if method != "GET":
                self._guard()
            response = await self._send(method, path, query=query, body=body, content_type=content_type, timeout=timeout)
            try:
                await _check(response)
                return await response.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise Unavailable(f"`{method} {path}` got no answer: {_say(error)}") from error
            finally:
                response.release()

    async def _send(  # noqa: PLR0913 an HTTP request has this many parts
        self,
        method: str,
        path: str,
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 aiohttp's own
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> aiohttp.ClientResponse:
        method, url, headers, _, _ = await self._api.param_serialize(
            method, quote(path), header_params={"Accept": "application/json", "Content-Type": content_type}, auth_settings=_AUTH
        )
        asked = {name: value for name, value in (query or {}).items() if value}
        url += f"?{urlencode(asked)}" if asked else ""
        loop, code = asyncio.get_running_loop(), "none"
        began_at = loop.time()
        try:
            answer = await self._api.call_api(method, url, headers, body, _request_timeout=timeout)
            response: aiohttp.ClientResponse = answer.response
            code = str(response.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"`{method} {path}` got no answer: {_say(error)}") from error
        finally:
            self._observe("WATCH" if "watch" in asked else method, code, loop.time() - began_at)
        return response


async def _check(response: aiohttp.ClientResponse) -> None:
    if response.status >= 400:
        raise translate_status(await response.read(), response.status, response.headers.get("Retry-After", ""))


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Whole lines only: what a broken connection left unfinished is not given out."""
    rest = b""
    async for chunk in content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line:
                yield line


def _say(error: BaseException) -> str:
    return str(error) or type(error).__name__


async def connect(
    kubeconfig: Path | None = None, *, concurrency: int = 32, guard: Callable[[], None] = lambda: None, observe: Observe = lambda *_: None
) -> Client:
    """A client of the cluster that the file names; without one: the pod's own account, else ~/.kube/config."""
    configuration = Configuration()
    try:
        if kubeconfig is not None:
            await kubernetes_config.load_kube_config(str(kubeconfig), client_configuration=configuration, persist_config=False)
        else:
            await _load_default(configuration)
    except _UNREADABLE as error:
        raise _refuse(kubeconfig, error) from error
    configuration.connection_pool_maxsize = concurrency + _WATCHES
    # Else every request looks for a proxy and reads ~/.netrc anew, in a thread: a tenth of the operator's CPU time.
    configuration.proxy = configuration.proxy or _find_proxy(configuration.host)
    configuration.client_session_kwargs = {"trust_env": False, "trace_configs": [_guard_sending(guard)]}
    api = ApiClient(configuration)
    api.user_agent = FIELD_MANAGER  # its first part becomes the manager's name in `managedFields`
    return Client(api, concurrency=concurrency, guard=guard, observe=observe)


def _guard_sending(guard: Callable[[], None]) -> aiohttp.TraceConfig:
    """Ask the guard again just before a write's first byte: the process may have stood still while it got a connection."""
    trace = aiohttp.TraceConfig()

    async def check(_: aiohttp.ClientSession, __: object, sending: aiohttp.TraceRequestHeadersSentParams) -> None:
        if sending.method != "GET":
            guard()

    trace.on_request_headers_sent.append(check)  # told, against its name, before they are
    return trace


def find_namespace(kubeconfig: Path | None = None) -> str:
    """The namespace that is meant where none is said: the context's, or in a pod without a kubeconfig the pod's own."""
    if kubeconfig is None and OWN_NAMESPACE.is_file():
        return OWN_NAMESPACE.read_text(encoding="utf-8").strip()
    try:
        _, active = kubernetes_config.list_kube_config_contexts(str(kubeconfig) if kubeconfig is not None else None)
    except _UNREADABLE as error:
        raise _refuse(kubeconfig, error) from error
    return str(active["context"].get("namespace") or "default")


def _refuse(kubeconfig: Path | None, error: BaseException) -> SetupError:
    where = f"`{kubeconfig}` is no kubeconfig" if kubeconfig is not None else "no cluster"
    return SetupError(f"{where}: {error}", hint="KUBECONFIG, or COMMONPOOL_KUBECONFIG, names the file")


def _find_proxy(server: str) -> str | None:
    """The proxy that the environment names for the server, as every program understands it."""
    parts = urlsplit(server)
    return None if parts.hostname is None or proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)


async def _load_default(configuration: Configuration) -> None:
    try:
        kubernetes_config.load_incluster_config(configuration)
    except kubernetes_config.ConfigException:
        await kubernetes_config.load_kube_config(client_configuration=configuration, persist_config=False)


def pause_seconds(attempt: int, spread: float, error: ApiError | None = None) -> float:
    """How long to wait before trying again: 0.2 s doubling up to 4 s, or what the apiserver asked for; `spread` is random, 0 to 1."""
    if isinstance(error, TooManyRequests) and error.retry_after_seconds:
        return error.retry_after_seconds + spread
    return float(min(4.0, 0.2 * 2 ** min(attempt, 10)) * (0.5 + spread / 2))


def decode_plain(body: bytes) -> dict[str, Any]:
    """An object as plain dictionaries, for the few places that need all of it."""
    plain: dict[str, Any] = msgspec.json.decode(body)
    return plain
