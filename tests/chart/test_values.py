import json
from pathlib import Path

import pytest
import yaml
from tests.chart.conftest import Helm, Manifest, Render

from commonpool.api.catalogue import RESOURCE_NAMES


def test_the_chart_is_without_fault(helm: Helm, chart: Path) -> None:
    answer = helm("lint", "--strict", chart)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        "operator.replica=1",
        "operator.replicas=two",
        "operator.replicas=-1",
        "operator.image.tag=latest",
        "operator.image.digest=abc",
        "operator.logLevel=chatty",
        "operator.prometheusUrl=prometheus:9090",
        "scaling.providers[0].resource=nodepools",
        "scheduler.mode=Sometimes",
        "scheduler.workloadMix[0].gpuMilli=1000",
        "scheduler.workloadMix[0].migProfile=8g.5gb",
        "scheduler.client.qps=0",
        "accelerators.resourceNames={gpu}",
        "accelerators.resourceNames={deviceclass.resource.kubernetes.io/gpu}",
        "accelerators.resourceNames=",
        "policies.exemptNamespaces={Kube-System}",
        "networkPolicy.apiServerPorts={0}",
        "rbac.poolReaders[0].kind=Robot",
        "nonsense=true",
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(helm: Helm, chart: Path, wrong: str) -> None:
    answer = helm("template", "commonpool", chart, "--set", wrong)
    assert answer.returncode != 0
    assert "values don't meet the specifications of the schema" in answer.stderr


def test_every_value_is_in_the_schema_and_the_schema_has_no_other(chart: Path) -> None:
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))

    def compare(value: Manifest, part: Manifest, at: str) -> None:
        part = schema["definitions"][part["$ref"].rsplit("/", 1)[-1]] if "$ref" in part else part
        if "properties" in part and not at.endswith(".resources"):
            assert set(part["properties"]) - {"global"} == set(value), at
            for name, inner in value.items():
                if isinstance(inner, dict):
                    compare(inner, part["properties"][name], f"{at}.{name}")

    compare(values, schema, "")


def test_the_policies_know_every_accelerator_of_the_catalogue(chart: Path) -> None:
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    assert set(RESOURCE_NAMES) <= set(values["accelerators"]["resourceNames"])


def test_the_crds_are_those_that_were_generated_and_stay_when_the_chart_goes(chart: Path, manifests: list[Manifest]) -> None:
    generated = {
        crd["metadata"]["name"]: crd for file in (chart.parents[1] / "crds").glob("*.yaml") for crd in yaml.safe_load_all(file.read_text())
    }
    installed = {manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == "CustomResourceDefinition"}
    assert len(installed) == 5
    for crd in installed.values():
        assert crd["metadata"]["annotations"].pop("helm.sh/resource-policy") == "keep"
        assert not crd["metadata"].pop("annotations")
    assert installed == generated


def test_crds_and_policies_can_be_left_out(render: Render) -> None:
    kinds = {manifest["kind"] for manifest in render("crds.install=false", "policies.enabled=false")}
    assert "CustomResourceDefinition" not in kinds
    assert not [kind for kind in kinds if "AdmissionPolicy" in kind]
    assert "ServiceMonitor" not in kinds
    assert "ServiceMonitor" in {manifest["kind"] for manifest in render("serviceMonitor.enabled=true")}


def test_what_watches_the_pool_comes_when_it_is_asked_for(render: Render, manifests: list[Manifest], chart: Path) -> None:
    def find(kind: str, among: list[Manifest]) -> list[Manifest]:
        return [manifest for manifest in among if manifest["kind"] == kind and manifest["metadata"]["name"].startswith("commonpool")]

    asked = render("dashboards.enabled=true", "prometheusRule.enabled=true", "prometheusRule.labels.release=prometheus")
    [rule] = find("PrometheusRule", asked)
    assert not find("PrometheusRule", manifests)
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    assert rule["spec"] == yaml.safe_load((chart / "monitoring" / "alerts.yaml").read_text(encoding="utf-8"))
    [board] = [each for each in find("ConfigMap", asked) if each not in find("ConfigMap", manifests)]
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert board["data"]["commonpool.json"] == (chart / "monitoring" / "dashboard.json").read_text(encoding="utf-8")


def test_the_same_values_render_the_same_text(helm: Helm, chart: Path) -> None:
    first, second = (helm("template", "commonpool", chart, "--set", "policies.exemptNamespaces={b,a}").stdout for _ in range(2))
    assert first == second
