from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.chart.conftest import Manifest, Render

READ = {"get", "list", "watch"}


def find_rules(manifests: list[Manifest], name: str, kind: str = "ClusterRole") -> list[Manifest]:
    (role,) = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name]
    rules: list[Manifest] = role["rules"]
    return rules


def spread(rules: list[Manifest]) -> Iterator[tuple[str, str, str]]:
    """(group, resource, verb), one for each right that the rules give."""
    for rule in rules:
        yield from ((group, resource, verb) for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"])


def test_no_rule_says_everything(manifests: list[Manifest]) -> None:
    for role in (each for each in manifests if each["kind"] in {"ClusterRole", "Role"}):
        for right in spread(role["rules"]):
            assert "*" not in right, role["metadata"]["name"]
            assert right[2] not in {"escalate", "impersonate"}, role["metadata"]["name"]
            assert right[1] not in {"secrets", "pods/exec", "serviceaccounts/token"}, role["metadata"]["name"]


@pytest.mark.parametrize("file", ["rbac-operator.yaml", "rbac-scheduler.yaml"])
def test_every_rule_says_why(chart: Path, file: str) -> None:
    lines = (chart / "templates" / file).read_text(encoding="utf-8").splitlines()
    rules = [(before, line) for before, line in pairwise(lines) if line.startswith("- apiGroups")]
    assert rules
    assert [line for before, line in rules if not before.startswith("#")] == []


def test_the_operator_changes_only_what_is_its_own(manifests: list[Manifest]) -> None:
    changed = {(group, resource) for group, resource, verb in spread(find_rules(manifests, "commonpool-operator")) if verb not in READ}
    assert changed == {
        ("", "configmaps"),
        ("", "namespaces"),
        ("", "nodes"),
        ("", "pods"),
        ("", "resourcequotas"),
        ("", "services"),
        ("apps", "deployments"),
        ("batch", "jobs"),
        ("cluster.x-k8s.io", "machinedeployments/scale"),
        ("commonpool.dev", "gpupools/status"),
        ("commonpool.dev", "gpuquotas/status"),
        ("commonpool.dev", "gpuworkloads"),
        ("commonpool.dev", "gpuworkloads/status"),
        ("commonpool.dev", "rounds"),
        ("commonpool.dev", "tenants/status"),
        ("events.k8s.io", "events"),
        ("karpenter.sh", "nodepools/scale"),
        ("networking.k8s.io", "networkpolicies"),
        ("policy", "poddisruptionbudgets"),
        ("rbac.authorization.k8s.io", "clusterroles"),
        ("rbac.authorization.k8s.io", "rolebindings"),
    }


def test_the_operator_hands_out_three_roles_by_name(manifests: list[Manifest]) -> None:
    (rule,) = [rule for rule in find_rules(manifests, "commonpool-operator") if "bind" in rule["verbs"]]
    assert rule["resourceNames"] == ["admin", "edit", "view"]
    assert rule["verbs"] == ["bind"]


@pytest.mark.parametrize("part", ["operator", "scheduler"])
def test_each_part_changes_only_its_own_lease(manifests: list[Manifest], part: str) -> None:
    for rule in find_rules(manifests, f"commonpool-{part}", "Role"):
        assert rule["resources"] == ["leases"]
        assert rule["verbs"] == ["create"] or rule["resourceNames"] == [f"commonpool-{part}"]


def test_the_scheduler_only_reads_rounds_beside_what_kubernetes_gives_its_own(manifests: list[Manifest]) -> None:
    assert set(spread(find_rules(manifests, "commonpool-scheduler"))) == {("commonpool.dev", "rounds", verb) for verb in READ}
    bound = {
        each["roleRef"]["name"]
        for each in manifests
        if each["kind"].endswith("RoleBinding") and any(subject["name"] == "commonpool-scheduler" for subject in each["subjects"])
    }
    assert bound == {
        "commonpool-scheduler",
        "system:kube-scheduler",
        "system:volume-scheduler",
        "extension-apiserver-authentication-reader",
    }


def test_tenants_write_gpuworkloads_and_read_pools(manifests: list[Manifest]) -> None:
    written = {(resource, verb) for _, resource, verb in spread(find_rules(manifests, "commonpool-tenant-edit"))}
    assert {resource for resource, _ in written} == {"gpuworkloads"}
    assert {
        verb
        for rule in ("tenant-view", "pool-reader", "tenant-reader")
        for _, _, verb in spread(find_rules(manifests, f"commonpool-{rule}"))
    } == READ


def test_who_reads_tenants_is_said_by_a_value(render: Render) -> None:
    def find(*settings: str) -> list[Manifest]:
        return [
            subject
            for each in render(*settings)
            if each["kind"] == "ClusterRoleBinding" and each["roleRef"]["name"] == "commonpool-tenant-reader"
            for subject in each["subjects"]
        ]

    assert find() == []
    assert [subject["name"] for subject in find("rbac.tenantReaders[0].kind=Group", "rbac.tenantReaders[0].name=finance")] == ["finance"]


def test_of_a_provider_only_the_number_of_nodes_may_be_changed(render: Render) -> None:
    settings = ("scaling.providers[0].apiGroup=example.com", "scaling.providers[0].resource=nodegroups")
    rights = set(spread(find_rules(render(*settings), "commonpool-operator")))
    assert {right for right in rights if right[0] == "example.com"} == {("example.com", "nodegroups/scale", "patch")}


def test_pods_are_told_and_ended_and_never_made(manifests: list[Manifest]) -> None:
    rights = {verb for group, resource, verb in spread(find_rules(manifests, "commonpool-operator")) if (group, resource) == ("", "pods")}
    assert rights == READ | {"patch", "delete"}
