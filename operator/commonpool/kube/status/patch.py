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
    """RFC 7396: null removes, lists are replaced whole.

    So are objects: where the status is not what it was taken for (an earlier write took place after all, though its
    answer was lost), a part of one alone could not stand.
    """
    change: Manifest = {key: None for key in before if key not in after}
    return change | {key: _replace(before.get(key), value) for key, value in after.items() if value != before.get(key)}


def _replace(old: object, value: Any) -> Any:  # noqa: ANN401 whatever JSON can say
    if not isinstance(value, dict) or not isinstance(old, dict):
        return value
    return {key: None for key in old if key not in value} | {key: _replace(old.get(key), part) for key, part in value.items()}
