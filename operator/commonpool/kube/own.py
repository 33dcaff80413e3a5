"""Our own kinds as people wrote them, checked against the models.

The apiserver has checked them too, but perhaps against the schema of another release:
what cannot be read is kept with the reason, so that it can be told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from pydantic import ValidationError

from commonpool.api import GPUPool, GPUQuota, GPUWorkload, Tenant
from commonpool.api.resource import Object
from commonpool.api.wishes import CHECKPOINTED_AT
from commonpool.kube.records import Template
from commonpool.kube.reflector import parse_version
from commonpool.kube.resources import Key, read_key
from commonpool.kube.shapes import Shape, read_shape
from commonpool.kube.store import Seen
from commonpool.model.reasons import Reason

Model = TypeVar("Model", bound=Object)

MOST_LEVELS = 64
"""Of nested objects and lists in a spec. A pod's own fields need about 15."""


@dataclass(frozen=True, slots=True)
class Own(Generic[Model]):
    """One of our objects; equal as long as its UID, generation, outcome and checkpoint are, whatever else its status says."""

    key: Key
    uid: str
    generation: int
    terminating: bool
    parsed: Model | None
    """None if it cannot be read."""
    problem: str = ""
    outcome: str = ""
    """`True` or `False` once a GPUWorkload has succeeded or failed for good."""
    checkpointed: str = ""
    """The annotation by which a tenant tells of a checkpoint: it changes no generation."""
    told_at_generation: int = 0
    """Of a GPUWorkload that cannot be read: the generation of which that has been said."""
    shape: Shape | None = None
    """Of a GPUWorkload's template, as it is written: without the accelerators that are added to it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[Key, str, int, bool, str, str]:
        return (self.key, self.uid, self.generation, self.terminating, self.outcome, self.checkpointed)


MODELS: dict[str, type[Object]] = {"gpupools": GPUPool, "tenants": Tenant, "gpuquotas": GPUQuota, "gpuworkloads": GPUWorkload}
"""By plural: the kinds that people write."""


def read_own(plural: str, body: Mapping[str, Any]) -> Seen[Own[Any]]:
    """One object, as kopf or an answer of the apiserver gives it."""
    metadata = body["metadata"]
    key, uid = read_key(body), str(metadata.get("uid") or "")
    parsed: Object | None = None
    shape: Shape | None = None
    problem = ""
    try:
        _check_depth(body.get("spec"))
        parsed = MODELS[plural].model_validate(dict(body))
        shape = _find_shape(body) if plural == "gpuworkloads" else None
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"`{'.'.join(str(part) for part in first['loc'])}`: {first['msg']}"
    except (msgspec.MsgspecError, ValueError) as error:
        parsed, problem = None, str(error).partition("\n")[0]
    own: Own[Any] = Own(
        key=key,
        uid=uid,
        generation=int(metadata.get("generation") or 0),
        terminating=metadata.get("deletionTimestamp") is not None,
        parsed=parsed,
        problem=problem,
        outcome=_find_outcome(body),
        checkpointed=str((metadata.get("annotations") or {}).get(CHECKPOINTED_AT, "")),
        told_at_generation=_find_refused(body),
        shape=shape,
    )
    return Seen(key, uid, parse_version(str(metadata.get("resourceVersion") or "")), own)


def _check_depth(value: object) -> None:
    """The apiserver takes templates as deep as 10,000 levels; to copy or to write one would end the process."""
    level: list[object] = [value]
    for _ in range(MOST_LEVELS):
        level = [part for each in level for part in _list_parts(each)]
        if not level:
            return
    raise ValueError(f"`spec` is nested more than {MOST_LEVELS} levels deep")


def _list_parts(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


def _find_shape(body: Mapping[str, Any]) -> Shape | None:
    spec = body["spec"]
    for way in ("training", "inference", "hpc"):
        if way in spec:
            return read_shape(msgspec.convert(spec[way]["template"], Template).spec)
    return None


def _find_outcome(body: Mapping[str, Any]) -> str:
    conditions = (body.get("status") or {}).get("conditions") or ()
    ended = (each["status"] for each in conditions if each.get("type") == "Succeeded")
    return next((str(status) for status in ended if status in {"True", "False"}), "")


def _find_refused(body: Mapping[str, Any]) -> int:
    conditions = (body.get("status") or {}).get("conditions") or ()
    refused = (each.get("observedGeneration") for each in conditions if each.get("reason") == Reason.INVALID_SPEC)
    return int(next(refused, 0) or 0)
