"""kopf, kept to what it does well here: watching our own kinds.

`on.event` only: no handler state, no finalizer, no write (decision 0004). Storage is
in the status all the same, so that no annotation a tenant forges means anything.
"""

from collections.abc import Callable, Mapping
from typing import Any

import kopf

from commonpool.model.names import GROUP, VERSION

WATCHED = ("gpupools", "tenants", "gpuquotas", "gpuworkloads")
"""Plurals of the kinds that people write."""

Remember = Callable[[str, Mapping[str, Any], bool], None]
"""(plural, object, whether it is gone)"""


def build_registry(remember: Remember, login: Callable[[], kopf.ConnectionInfo]) -> kopf.OperatorRegistry:
    """Handlers that hand each object on, and a login that follows our own client's."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def log_in(**_: object) -> kopf.ConnectionInfo:
        return login()

    for plural in WATCHED:

        @kopf.on.event(GROUP, VERSION, plural, registry=registry, id=plural)
        def on_event(event: Mapping[str, Any], resource: kopf.Resource, **_: object) -> None:
            remember(resource.plural, event["object"], event["type"] == "DELETED")

    return registry


def build_settings() -> kopf.OperatorSettings:
    """Standalone, silent, and with every trace of state in the status."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.progress_storage = kopf.StatusProgressStorage(field="status.kopf.progress")
    settings.persistence.diffbase_storage = kopf.StatusDiffBaseStorage(field="status.kopf.last")
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    return settings
