import json

import pytest
from tests.chart.conftest import Manifest, Render

ABOUT_TENANTS_PODS = {
    "commonpool-pods",
    "commonpool-templates",
    "commonpool-cronjobs",
    "commonpool-resize",
    "commonpool-deletions",
    "commonpool-evictions",
    "commonpool-jobs",
}


def find_policies(manifests: list[Manifest], kind: str) -> list[Manifest]:
    found = [each for each in manifests if each["kind"] == kind]
    assert found
    return found


@pytest.mark.parametrize("kind", ["ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"])
def test_every_policy_acts_and_fails_closed(manifests: list[Manifest], kind: str) -> None:
    bindings = {each["spec"]["policyName"]: each["spec"] for each in find_policies(manifests, f"{kind}Binding")}
    for policy in find_policies(manifests, kind):
        name, spec = policy["metadata"]["name"], policy["spec"]
        assert name.startswith("commonpool-")
        assert spec["failurePolicy"] == "Fail", name
        assert bindings[name].get("validationActions", ["Deny"]) == ["Deny"], name
        assert spec.get("reinvocationPolicy", "Never") == "Never", name
    assert len(bindings) == len(find_policies(manifests, kind))


def test_policies_about_tenants_pods_are_asked_in_tenants_namespaces_only(manifests: list[Manifest]) -> None:
    in_tenants = {"matchExpressions": [{"key": "commonpool.dev/tenant", "operator": "Exists"}]}
    for kind in ("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"):
        for policy in find_policies(manifests, kind):
            if policy["metadata"]["name"] in ABOUT_TENANTS_PODS:
                assert policy["spec"]["matchConstraints"]["namespaceSelector"] == in_tenants, policy["metadata"]["name"]


def test_every_refusal_is_a_sentence_with_the_value_in_backticks(manifests: list[Manifest]) -> None:
    for policy in find_policies(manifests, "ValidatingAdmissionPolicy"):
        for validation in policy["spec"]["validations"]:
            says = validation.get("message") or validation["messageExpression"]
            assert says.count("`") >= 2, says
            assert ":" in says, says


def test_the_values_accelerators_and_namespaces_are_those_of_the_policies(render: Render) -> None:
    settings = (
        "accelerators.resourceNames={acme.com/npu}",
        "accelerators.resourcePrefixes={acme.com/part-}",
        "policies.exemptNamespaces={attic}",
    )
    text = json.dumps([each["spec"] for each in render(*settings) if each["kind"].endswith("AdmissionPolicy")])
    assert "r in ['acme.com/npu']" in text
    assert "nvidia.com/gpu'" not in text
    assert '"values": ["attic", "commonpool-system"]' in text
