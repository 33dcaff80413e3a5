"""What is listed whole: in pages, and as of one version."""

import asyncio
import json
from typing import Any

import pytest
from tests.kube.fakeapi import FakeApi
from tests.kube.objects import own_body

from commonpool.kube.errors import Forbidden
from commonpool.kube.mirror import Mirror
from commonpool.kube.resources import GPU_POOLS, TENANTS, Resource
from commonpool.kube.survey import drop_gone, remember_all, survey_cluster


class PagedApi(FakeApi):
    """Two objects a page, whatever is asked for, as of `version`."""

    version = 1

    async def list_page(self, resource: Resource, *, limit: int = 500, token: str = "", selector: str = "") -> bytes:
        del limit, selector
        first = int(token or 0)
        items = self.all(resource)
        more = {"continue": str(first + 2)} if len(items) > first + 2 else {}
        metadata: dict[str, Any] = {"resourceVersion": str(self.version), **more}
        return json.dumps({"metadata": metadata, "items": items[first : first + 2]}).encode()


def put_tenants(api: PagedApi, *names: str) -> None:
    for name in names:
        api.put(TENANTS, own_body("Tenant", name, {}))


def names(mirror: Mirror) -> list[str]:
    return sorted(own.key[1] for own in mirror.tenants)


async def test_every_page_is_read() -> None:
    api, mirror = PagedApi(), Mirror()
    put_tenants(api, "amber", "birch", "cedar", "dahlia", "elm")
    await remember_all(mirror, api)
    assert names(mirror) == ["amber", "birch", "cedar", "dahlia", "elm"]


async def test_what_the_list_lacks_is_dropped_but_not_what_was_made_after_it() -> None:
    api, mirror = PagedApi(), Mirror()
    put_tenants(api, "amber", "birch", "cedar")
    await remember_all(mirror, api)
    mirror.dirty.clear()
    api.version = 5_000_000
    await drop_gone(mirror, api)
    assert (names(mirror), mirror.dirty.is_set()) == (["amber", "birch", "cedar"], False)
    await api.delete(TENANTS, "", "birch")
    late = own_body("Tenant", "later", {})
    late["metadata"]["resourceVersion"] = "5000001"
    mirror.remember("tenants", late, gone=False)
    mirror.dirty.clear()
    await drop_gone(mirror, api)
    assert (names(mirror), mirror.dirty.is_set()) == (["amber", "cedar", "later"], True)


async def test_one_that_was_made_anew_under_the_same_name_is_another() -> None:
    api, mirror = PagedApi(), Mirror()
    put_tenants(api, "amber")
    await remember_all(mirror, api)
    await api.delete(TENANTS, "", "amber")
    anew = own_body("Tenant", "amber", {})
    anew["metadata"]["uid"] = "uid-anew"
    api.put(TENANTS, anew)
    api.version = 5_000_000
    await drop_gone(mirror, api)
    assert names(mirror) == []
    await remember_all(mirror, api)
    assert [own.uid for own in mirror.tenants] == ["uid-anew"]


class DeafApi(PagedApi):
    """Refuses GPUPools, and never answers to anything else."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0

    async def list_page(self, resource: Resource, *, limit: int = 500, token: str = "", selector: str = "") -> bytes:
        del limit, token, selector
        if resource is GPU_POOLS:
            raise Forbidden("may not")
        self.waiting += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1
        return b""


async def test_where_one_kind_may_not_be_read_no_question_is_left_open() -> None:
    """What still waited for an answer when the connection is closed would leave its socket behind."""
    api = DeafApi()
    with pytest.raises(Forbidden):
        await survey_cluster(api)
    assert api.waiting == 0
