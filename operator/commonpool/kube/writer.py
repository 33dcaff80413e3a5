"""Carries out writes, one by one or many at a time; what fails is a value, and never stops the others."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from commonpool.errors import CommonpoolError
from commonpool.kube.client import Client, decode_plain
from commonpool.kube.errors import Conflict, NotFound
from commonpool.kube.mirror import Mirror
from commonpool.kube.own import MODELS
from commonpool.kube.resources import Resource, get_resource, read_key
from commonpool.kube.writes import Manifest, Verb, Write


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that could not be done now."""

    subject: str
    error: CommonpoolError


class Writer:
    """Writes to the cluster, and tells the mirror what came of it before the watch does."""

    def __init__(self, client: Client, mirror: Mirror) -> None:
        self._client = client
        self._mirror = mirror

    async def perform(self, write: Write) -> None:
        """One write; ApiError if it was not done."""
        manifest = write.manifest
        resource = get_resource(manifest["apiVersion"], manifest["kind"])
        namespace, name = read_key(manifest)
        match write.verb:
            case Verb.CREATE:
                body = await self._client.create(resource, manifest)
            case Verb.APPLY:
                body = await self._client.apply(resource, manifest)
            case Verb.PATCH:
                body = await self._client.merge_patch(resource, namespace, name, _build_patch(manifest))
            case Verb.REPLACE:
                body = await self._client.json_patch(resource, namespace, name, _build_operations(manifest))
            case Verb.DELETE:
                uid = manifest["metadata"].get("uid") or ""
                await self._client.delete(resource, namespace, name, uid=uid)
                self._mirror.forget(resource, namespace, name, uid)
                return
        self._learn(resource, body)

    async def write_status(self, manifest: Mapping[str, Any], patch: Manifest) -> None:
        """Patch the status of the very object that `manifest` names (apiVersion, kind, metadata); one that is gone needs none."""
        resource = get_resource(manifest["apiVersion"], manifest["kind"])
        namespace, name = read_key(manifest)
        whole = {**patch, "metadata": {"uid": manifest["metadata"]["uid"]}}
        try:
            body = await self._client.merge_patch(resource, namespace, name, whole, subresource="status")
        except (NotFound, Conflict):
            return
        self._learn(resource, body)

    def _learn(self, resource: Resource, body: bytes) -> None:
        if resource.plural in MODELS:
            self._mirror.remember(resource.plural, decode_plain(body), gone=False)
        else:
            self._mirror.learn(resource, body)


def _build_patch(manifest: Manifest) -> Manifest:
    """Only what the patch says: the name is in the path, the UID makes it a condition."""
    said = {field: value for field, value in manifest.items() if field not in {"apiVersion", "kind"}}
    metadata = {field: value for field, value in manifest["metadata"].items() if field not in {"name", "namespace"} and value is not None}
    return {**said, "metadata": metadata} if metadata else {field: value for field, value in said.items() if field != "metadata"}


def _build_operations(manifest: Manifest) -> list[Manifest]:
    """The same as JSON patch operations; the UID is tested first."""
    metadata = manifest["metadata"]
    fields = [(f"/spec/{field}", value) for field, value in manifest.get("spec", {}).items()]
    fields += [(f"/metadata/annotations/{name.replace('/', '~1')}", value) for name, value in metadata.get("annotations", {}).items()]
    adds = [{"op": "add", "path": path, "value": value} for path, value in fields]
    return [{"op": "test", "path": "/metadata/uid", "value": metadata["uid"]}, *adds]


async def attempt(subject: str, action: Awaitable[object]) -> Failure | None:
    """Do it; a failure is given back, so that one object never stops the rest."""
    try:
        await action
    except CommonpoolError as error:
        return Failure(subject, error)
    return None


async def attempt_all(actions: Iterable[tuple[str, Awaitable[object]]]) -> list[Failure]:
    """Do them side by side (the client bounds how many)."""
    outcomes = await asyncio.gather(*(attempt(subject, action) for subject, action in actions))
    return [failure for failure in outcomes if failure is not None]
