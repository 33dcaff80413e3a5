"""Knows when admission policies act, which the API does not tell.

The apiserver compiles all policies of a sort together, again after a change. So two policies of our own, a refusing and a mutating one,
are made after all others; once a dry-run shows that they act, the others do.
"""

from commonpool.local.client import Client, Manifest, RefusedError
from commonpool.local.waiting import wait_until

_BASE = "/apis/admissionregistration.k8s.io/v1"
_CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
_TIMEOUT_SECONDS = 60


def wait_policies(client: Client, mark: str) -> None:
    """Wait until everything is in force that was made before; `mark` must differ from call to call."""
    name = f"commonpool-probe-{mark}"
    probes = _build_probes(name)
    try:
        for kind, manifest in probes:
            client.create(f"{_BASE}/{kind}", manifest)
        wait_until(lambda: _acts(client, f"{name}-mutate") and _acts(client, f"{name}-refuse"), "policies are in force", _TIMEOUT_SECONDS)
    finally:
        for kind, manifest in reversed(probes):
            client.delete(f"{_BASE}/{kind}/{manifest['metadata']['name']}")


def _acts(client: Client, name: str) -> bool:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    try:
        answer = client.request("POST", _CONFIG_MAPS, body, query={"dryRun": "All"})
    except RefusedError as error:
        if error.status == 422:
            return name.endswith("-refuse")
        raise
    return name.endswith("-mutate") and answer.get("data") == {"seen": "yes"}


def _build_probes(name: str) -> list[tuple[str, Manifest]]:
    constraints = {
        "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}},
    }
    refuse = {
        "matchConstraints": constraints,
        "validations": [{"expression": f"object.metadata.name != '{name}-refuse'", "message": "a probe"}],
    }
    mutate = {
        "matchConstraints": constraints,
        "matchConditions": [{"name": "probe", "expression": f"object.metadata.name == '{name}-mutate'"}],
        "reinvocationPolicy": "Never",
        "failurePolicy": "Ignore",
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{data: {'seen': 'yes'}}"}}],
    }
    return [
        ("validatingadmissionpolicies", _build("ValidatingAdmissionPolicy", name, refuse)),
        (
            "validatingadmissionpolicybindings",
            _build("ValidatingAdmissionPolicyBinding", name, {"policyName": name, "validationActions": ["Deny"]}),
        ),
        ("mutatingadmissionpolicies", _build("MutatingAdmissionPolicy", name, mutate)),
        ("mutatingadmissionpolicybindings", _build("MutatingAdmissionPolicyBinding", name, {"policyName": name})),
    ]


def _build(kind: str, name: str, spec: Manifest) -> Manifest:
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
