"""From the status before and the status now to the least that must be written."""

from collections.abc import Mapping
from typing import Any

from commonpool.api.resource import Model
from commonpool.kube.writes import Manifest


def find_status_patch(previous: Model | None, wanted: Model) -> Manifest | None:
    """The merge patch of the status subresource, `{"status": ...}`; None if there is nothing to write. kopf's part is left alone."""
    before = previous.build_manifest() if previous is not None else {}
    after = wanted.build_manifest()
    for status in (before, after):
        status.pop("kopf", None)
    change = _find_change(before, after)
    return {"status": change} if change else None


def _find_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> Manifest:
    """RFC 7396: null removes, lists are replaced whole."""
    change: Manifest = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := _find_change(old, value):
                change[key] = inner
        elif value != old:
            change[key] = value
    return change
