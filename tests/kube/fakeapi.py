"""The face of our client over a dictionary: objects with UIDs, versions, merge patches and preconditions, and faults on demand."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from commonpool.kube.client import Client
from commonpool.kube.errors import AlreadyExists, ApiError, Conflict, Invalid, NotFound
from commonpool.kube.resources import EVENTS, Resource, read_key

Body = dict[str, Any]
BORN = "2026-11-22T12:00:00Z"


class FakeApi(Client):
    """`writes` tells what was done, a word and a subject each; a subject in `faults` fails as often as it has errors left.

    With `lossy` set, a create is done and its answer is lost.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Body] = {}
        self.writes: list[str] = []
        self.faults: dict[str, list[ApiError]] = {}
        self.lossy: ApiError | None = None
        self.clock: Callable[[], int] | None = None
        """By which creations are dated; None: all are of the instant `BORN`."""
        self._versions = count(1_000_000)
        self._names = count(1)

    def find(self, resource: Resource, name: str, namespace: str = "") -> Body | None:
        return self.objects.get((resource.plural, namespace, name))

    def all(self, resource: Resource) -> list[Body]:
        return [body for key, body in sorted(self.objects.items()) if key[0] == resource.plural]

    def put(self, resource: Resource, body: Body) -> Body:
        """What somebody else makes or changes; the status that was written stays."""
        namespace, name = read_key(body)
        old = self.objects.get((resource.plural, namespace, name), {})
        kept = {"status": old["status"]} if "status" in old and old["metadata"]["uid"] == body["metadata"]["uid"] else {}
        stored = json.loads(json.dumps({**kept, **body}))
        self._store(resource, namespace, name, stored)
        return self.objects[resource.plural, namespace, name]

    def wrote(self) -> list[str]:
        """What was written since the last time one asked."""
        told, self.writes = self.writes, []
        return told

    async def get(self, resource: Resource, namespace: str, name: str) -> bytes:
        self._fail(f"get {resource.kind} {name}")
        return json.dumps(self._get(resource, namespace, name)).encode()

    async def list_page(self, resource: Resource, *, limit: int = 500, token: str = "", selector: str = "") -> bytes:
        del limit, token, selector
        return json.dumps({"metadata": {"resourceVersion": "1"}, "items": self.all(resource)}).encode()

    async def create(self, resource: Resource, manifest: Mapping[str, Any]) -> bytes:
        namespace, name = read_key(manifest)
        name = name or f"{manifest['metadata']['generateName']}{next(self._names)}"
        self._note("create", resource, name)
        if (resource.plural, namespace, name) in self.objects:
            raise AlreadyExists(f"`{name}` exists")
        body = json.loads(json.dumps(manifest))
        body["metadata"] |= {
            "name": name,
            "uid": f"uid-{resource.kind}-{name}",
            "generation": 1,
            "creationTimestamp": BORN if self.clock is None else f"{datetime.fromtimestamp(self.clock(), UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
        answer = self._store(resource, namespace, name, body)
        if self.lossy is not None and resource != EVENTS:
            lost, self.lossy = self.lossy, None
            raise lost
        return answer

    async def merge_patch(self, resource: Resource, namespace: str, name: str, patch: Mapping[str, Any], *, subresource: str = "") -> bytes:
        self._note(f"patch{'-' if subresource else ''}{subresource}", resource, name)
        body = self._get(resource, namespace, name)
        uid = patch.get("metadata", {}).get("uid", "")
        if uid not in {"", body["metadata"]["uid"]}:
            raise Conflict("the UID in the precondition is another")
        return self._store(resource, namespace, name, _merge(body, patch))

    async def json_patch(self, resource: Resource, namespace: str, name: str, operations: Sequence[Mapping[str, Any]]) -> bytes:
        """Adds and tests only."""
        self._note("replace", resource, name)
        body = json.loads(json.dumps(self._get(resource, namespace, name)))
        for operation in operations:
            *parents, last = (part.replace("~1", "/") for part in operation["path"].split("/")[1:])
            inside = body
            for part in parents:
                inside = inside[part]
            if operation["op"] == "add":
                inside[last] = operation["value"]
            elif inside[last] != operation["value"]:
                raise Invalid(f"`{operation['path']}` is another")
        return self._store(resource, namespace, name, body)

    async def apply(self, resource: Resource, manifest: Mapping[str, Any]) -> bytes:
        namespace, name = read_key(manifest)
        self._note("apply", resource, name)
        old = self.objects.get((resource.plural, namespace, name), {"metadata": {"uid": f"uid-{name}"}})
        return self._store(resource, namespace, name, _merge(old, manifest))

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str = "", grace_seconds: int | None = None) -> None:
        self._note("delete", resource, name if grace_seconds is None else f"{name} within {grace_seconds} s")
        body = self.objects.get((resource.plural, namespace, name))
        if body is not None and uid in {"", body["metadata"]["uid"]}:
            del self.objects[resource.plural, namespace, name]

    def _get(self, resource: Resource, namespace: str, name: str) -> Body:
        try:
            return self.objects[resource.plural, namespace, name]
        except KeyError:
            raise NotFound(f"there is no `{name}`") from None

    def _store(self, resource: Resource, namespace: str, name: str, body: Body) -> bytes:
        body["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[resource.plural, namespace, name] = body
        return json.dumps(body).encode()

    def _note(self, verb: str, resource: Resource, name: str) -> None:
        self._fail(f"{verb} {resource.kind} {name}")
        self.writes.append(f"{verb} {resource.kind} {name}")

    def _fail(self, subject: str) -> None:
        if self.faults.get(subject):
            raise self.faults[subject].pop(0)


def _merge(old: Any, patch: Any) -> Any:  # noqa: ANN401 RFC 7396 is about any JSON
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(old) if isinstance(old, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged
