"""Namespaces of tenants, and what they are given."""

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from commonpool.api import Tenant
from commonpool.kube.facts import NamespaceFact
from commonpool.kube.tenancy import Tenancy, plan_tenancy
from commonpool.kube.writes import Verb
from commonpool.model.ids import TenantName
from commonpool.model.names import LISTED_BY_ANNOTATION, TENANT_LABEL
from commonpool.model.reasons import Reason

NAMES = ("one", "two", "three", "kube-system")
ROLES = ("view", "edit", "admin")


def make_tenant(name: str, namespaces: list[str], *, roles: list[str] | None = None, age: int = 0, leaving: bool = False) -> Tenant:
    members = [{"kind": "Group", "name": f"{name}-{index}", "role": role} for index, role in enumerate(roles or [])]
    metadata: dict[str, Any] = {"name": name, "creationTimestamp": f"2026-11-{20 - age:02}T00:00:00Z"}
    if leaving:
        metadata["deletionTimestamp"] = "2026-11-21T00:00:00Z"
    return Tenant.model_validate({"kind": "Tenant", "metadata": metadata, "spec": {"namespaces": namespaces, "members": members}})


class Town:
    """Namespaces and what is in them, as a cluster would hold them."""

    def __init__(self, namespaces: list[NamespaceFact]) -> None:
        self.namespaces = {fact.name: fact for fact in namespaces}
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}

    def plan(self, tenants: list[Tenant]) -> Tenancy:
        return plan_tenancy(tenants, self.namespaces.values(), self.objects.values())

    def carry_out(self, tenancy: Tenancy) -> None:
        for write in tenancy.writes:
            metadata = write.manifest["metadata"]
            if write.manifest["kind"] == "Namespace":
                self._write_namespace(metadata)
                continue
            assert self.namespaces[metadata["namespace"]].tenant, "our own policy refuses writes outside tenants' namespaces"
            key = (write.manifest["kind"], metadata["namespace"], metadata["name"])
            if write.verb is Verb.DELETE:
                del self.objects[key]
            else:
                self.objects[key] = {**write.manifest, "metadata": {**metadata, "uid": str(key)}}

    def _write_namespace(self, metadata: dict[str, Any]) -> None:
        old = self.namespaces.get(metadata["name"]) or NamespaceFact(metadata["name"], "", terminating=False)
        self.namespaces[metadata["name"]] = NamespaceFact(
            name=old.name,
            tenant=metadata["labels"].get(TENANT_LABEL, old.tenant) or "",
            terminating=old.terminating,
            listed_by=metadata["annotations"][LISTED_BY_ANNOTATION] or "",
        )

    def settle(self, tenants: list[Tenant]) -> None:
        """Plan and write until nothing is left to do."""
        for _ in range(4):
            tenancy = self.plan(tenants)
            if not tenancy.writes:
                return
            self.carry_out(tenancy)
        raise AssertionError(f"never quiet: {[write.subject for write in tenancy.writes]}")


tenants = st.lists(
    st.builds(
        make_tenant,
        st.sampled_from(["vision", "nlp", "robots"]),
        st.lists(st.sampled_from(NAMES), unique=True),
        roles=st.lists(st.sampled_from(ROLES), max_size=3),
        age=st.integers(0, 2),
        leaving=st.booleans(),
    ),
    unique_by=lambda tenant: tenant.metadata.name,
    max_size=3,
)
towns = st.lists(
    st.builds(
        NamespaceFact,
        st.sampled_from(NAMES[:3]),
        st.sampled_from(["", "vision", "gone"]),
        terminating=st.just(value=False),
        listed_by=st.sampled_from(["", "vision", "gone"]),
    ),
    unique_by=lambda fact: fact.name,
).map(Town)


@given(towns, tenants, tenants)
def test_whatever_the_admins_change_the_town_settles_and_then_nothing_is_written(
    town: Town, before: list[Tenant], after: list[Tenant]
) -> None:
    town.settle(before)
    town.settle(after)
    standing = {tenant.metadata.name: tenant for tenant in after if tenant.metadata.deletion_timestamp is None}
    told = town.plan(after).problems
    for name, tenant in standing.items():
        refused = len(told.get(TenantName(name), ()))
        mine = [
            each
            for each in tenant.spec.namespaces or ()
            if town.namespaces.get(each, NamespaceFact("", "", terminating=False)).tenant == name
        ]
        assert len(mine) + refused == len(tenant.spec.namespaces or ())
    for _, namespace, _ in town.objects:
        owner = town.namespaces[namespace].tenant
        assert namespace in (standing[owner].spec.namespaces or ()), "what was given is taken back"


@given(towns, tenants, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_read_does_not_matter(town: Town, some: list[Tenant], random: Random) -> None:
    shuffled = some.copy()
    random.shuffle(shuffled)
    assert plan_tenancy(shuffled, reversed(list(town.namespaces.values())), []) == town.plan(some)


def test_who_has_a_namespace_keeps_it_also_against_an_older_tenant() -> None:
    town = Town([])
    young, old = make_tenant("young", ["shared"]), make_tenant("old", ["shared"], age=3)
    town.settle([young])
    assert town.plan([young, old]).writes == ()
    [problem] = town.plan([young, old]).problems[TenantName("old")]
    assert problem.reason is Reason.NAMESPACE_TAKEN
    assert "young" not in problem.message


def test_a_namespace_that_is_taken_out_goes_to_the_next_that_lists_it() -> None:
    town = Town([])
    first, second = make_tenant("first", ["shared"], roles=["edit"]), make_tenant("second", ["shared"], roles=["view"])
    town.settle([first])
    town.settle([make_tenant("first", []), second])
    assert town.namespaces["shared"].tenant == "second"
    assert ("RoleBinding", "shared", "commonpool-edit") not in town.objects
    assert ("RoleBinding", "shared", "commonpool-view") in town.objects


def test_a_label_that_was_set_by_hand_is_left_alone() -> None:
    town = Town([NamespaceFact("by-hand", "vision", terminating=False)])
    assert town.plan([make_tenant("vision", [])]).writes == ()
    assert town.plan([make_tenant("vision", []), make_tenant("nlp", ["by-hand"])]).writes == ()


def test_a_namespace_that_is_being_deleted_is_waited_for() -> None:
    tenancy = Town([NamespaceFact("one", "vision", terminating=True, listed_by="vision")]).plan([make_tenant("vision", ["one"])])
    assert tenancy.writes == ()
    assert [problem.reason for problem in tenancy.problems[TenantName("vision")]] == [Reason.NAMESPACE_TERMINATING]


def test_the_operators_own_namespace_can_be_reserved() -> None:
    tenancy = plan_tenancy([make_tenant("vision", ["platform"])], [], [], {"platform"})
    assert tenancy.writes == ()
    assert [problem.reason for problem in tenancy.problems[TenantName("vision")]] == [Reason.NAMESPACE_REFUSED]
