"""The fourth way of a GPUWorkload: an object that a tenant wrote as it is."""

from typing import Annotated

from pydantic import Field

from commonpool.api.names import Subdomain
from commonpool.api.resource import Model


class Tracked(Model):
    """The object that is run: the operator made this GPUWorkload for it."""

    api_version: Annotated[str, Field(min_length=1, max_length=253)]
    """Its group and version, e.g. batch/v1."""
    kind: Annotated[str, Field(min_length=1, max_length=63)]
    """Its kind, e.g. Job."""
    name: Subdomain
    """Its name, in the same namespace."""
    uid: Annotated[str, Field(min_length=1, max_length=64)]
    """Its UID: an object of the same name made later is another one."""
