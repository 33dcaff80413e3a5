"""kopf, kept to what it does well here: watching our own kinds.

`on.event` only: no handler state, no finalizer, no write (decision 0004). What state there could be would be in
the status all the same, or nowhere, so that no annotation a tenant forges means anything.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, repeat
from typing import Any

import kopf
from kubernetes.aio.client import Configuration

from commonpool.model.names import GROUP, VERSION

NO_FINALIZER = "kopf has none here"
"""kopf takes its own finalizer off an object that bears it and has no delete handler: a name that the apiserver lets nobody write."""
WATCHED = ("gpupools", "tenants", "gpuquotas", "gpuworkloads")
"""Plurals of the kinds that people write."""


class NoEssence(kopf.DiffBaseStorage):
    """Nothing is compared with what an object was: kopf would copy each whole for that, at every event."""

    def build(self, *, body: kopf.Body, extra_fields: object = None) -> kopf.BodyEssence:  # noqa: ARG002 - kopf's face
        """Nothing of it."""
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002 - kopf's face
        """Nothing was kept."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nothing is kept."""


Remember = Callable[[str, Mapping[str, Any], bool], None]
"""(plural, object, whether it is gone)"""


class Backoffs:
    """Seconds before each further try, without end, and soon over after an outage of any length.

    kopf's own come to 21 s between two tries, in which nobody's manifest is seen; and after the last one an apiserver
    that answers, but with errors (etcd is away), ends the process.
    """

    def __iter__(self) -> Iterator[float]:
        """Anew for each request."""
        return chain((0.2, 0.5, 1.0), repeat(2.0))


async def watch(remember: Remember, configuration: Configuration) -> None:
    """Hand each object on, of the whole cluster, until a signal comes."""
    await kopf.operator(registry=build_registry(remember, configuration), settings=build_settings(), clusterwide=True)


def build_registry(remember: Remember, configuration: Configuration) -> kopf.OperatorRegistry:
    """Handlers that hand each object on, and a login to the very cluster that our own client uses."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def log_in(**_: object) -> kopf.ConnectionInfo:
        authorization = await configuration.get_api_key_with_prefix("BearerToken") or ""
        return kopf.ConnectionInfo(
            server=configuration.host,
            ca_path=configuration.ssl_ca_cert,
            insecure=not configuration.verify_ssl,
            token=authorization.removeprefix("Bearer ").strip() or None,
            certificate_path=configuration.cert_file,
            private_key_path=configuration.key_file,
        )

    for plural in WATCHED:

        @kopf.on.event(GROUP, VERSION, plural, registry=registry, id=plural)
        async def on_event(event: Mapping[str, Any], resource: kopf.Resource, **_: object) -> None:
            """In the loop: kopf calls a plain function in a thread, beside a round that reads the same stores."""
            remember(resource.plural, event["object"], event["type"] == "DELETED")

    return registry


def build_settings() -> kopf.OperatorSettings:
    """Standalone, silent, and with every trace of state in the status."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.finalizer = NO_FINALIZER
    settings.persistence.progress_storage = kopf.StatusProgressStorage(field="status.kopf.progress")
    settings.persistence.diffbase_storage = NoEssence()
    settings.networking.error_backoffs = Backoffs()
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    return settings
