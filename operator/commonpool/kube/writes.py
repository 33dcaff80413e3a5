"""A change to the cluster as data: what the pure builders hand to those who talk to the API."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Manifest = dict[str, Any]


class Verb(StrEnum):
    """How a manifest is to be written."""

    CREATE = "create"  # an object of that name that exists already is somebody else's
    APPLY = "apply"  # server-side apply under our field manager
    PATCH = "patch"  # merge patch: only the fields given, null removes one
    REPLACE = "replace"  # each field of spec and each annotation that is given, as a whole: nothing of what stood there stays
    DELETE = "delete"  # in the background


@dataclass(frozen=True, slots=True)
class Write:
    """One change. All but a creation carry apiVersion, kind and the metadata that names their object; with a uid, that very object."""

    verb: Verb
    manifest: Manifest

    @property
    def subject(self) -> str:
        """Which object, for people."""
        metadata = self.manifest["metadata"]
        where = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
        return f"{self.manifest['kind']} {where}{metadata['name']}"
