from pathlib import Path

import pytest
import yaml
from tests.chart.conftest import Manifest, Render


def find(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


@pytest.fixture(params=["operator", "scheduler"])
def part(request: pytest.FixtureRequest) -> str:
    return f"commonpool-{request.param}"


def test_a_process_may_do_nothing_on_its_node(manifests: list[Manifest], part: str) -> None:
    pod = find(manifests, "Deployment", part)["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == part
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert all("hostPath" not in volume for volume in pod["volumes"])


def test_a_process_is_asked_how_it_is_and_says_what_it_needs(manifests: list[Manifest], part: str) -> None:
    (container,) = find(manifests, "Deployment", part)["spec"]["template"]["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]


def test_two_replicas_stand_apart_and_one_of_them_always_stays(manifests: list[Manifest], part: str) -> None:
    spec = find(manifests, "Deployment", part)["spec"]
    labels, selector = spec["template"]["metadata"]["labels"], spec["selector"]["matchLabels"]
    assert spec["replicas"] == 2
    assert selector.items() <= labels.items()
    for constraint in spec["template"]["spec"]["topologySpreadConstraints"]:
        assert constraint["labelSelector"]["matchLabels"] == selector
    budget = find(manifests, "PodDisruptionBudget", part)["spec"]
    assert budget == {"maxUnavailable": 1, "selector": {"matchLabels": selector}}
    assert find(manifests, "Service", part)["spec"]["selector"] == selector
    assert find(manifests, "NetworkPolicy", part)["spec"]["podSelector"]["matchLabels"] == selector


def test_processes_outside_the_cluster_leave_deployments_without_pods(render: Render) -> None:
    manifests = render("operator.replicas=0", "scheduler.replicas=0")
    assert [each["spec"]["replicas"] for each in manifests if each["kind"] == "Deployment"] == [0, 0]


def test_a_digest_wins_over_a_tag(render: Render) -> None:
    digest = f"sha256:{'0' * 64}"
    manifests = render("operator.image.tag=1.2.3", f"scheduler.image.digest={digest}", "scheduler.image.tag=1.2.3")
    images = [each["spec"]["template"]["spec"]["containers"][0]["image"] for each in manifests if each["kind"] == "Deployment"]
    assert sorted(images) == ["commonpool/operator:1.2.3", f"commonpool/scheduler@{digest}"]


def test_nothing_but_metrics_comes_in_and_only_the_apiserver_names_and_tenants_pods_are_reached(render: Render) -> None:
    policy = find(render("networkPolicy.apiServerCIDRs={10.0.0.1/32}"), "NetworkPolicy", "commonpool-operator")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [{"ports": [{"protocol": "TCP", "port": "http"}]}]
    apiserver, pods, names = policy["egress"]
    assert apiserver["to"] == [{"ipBlock": {"cidr": "10.0.0.1/32"}}]
    assert pods == {"to": [{"namespaceSelector": {"matchExpressions": [{"key": "commonpool.dev/tenant", "operator": "Exists"}]}}]}
    assert {port["port"] for port in names["ports"]} == {53}
    scheduler = find(render(), "NetworkPolicy", "commonpool-scheduler")["spec"]
    assert len(scheduler["egress"]) == 2


def read_scheduler_config(manifests: list[Manifest]) -> Manifest:
    config: Manifest = yaml.safe_load(find(manifests, "ConfigMap", "commonpool-scheduler")["data"]["config.yaml"])
    return config


def test_the_profile_holds_and_pins_and_never_evicts(manifests: list[Manifest]) -> None:
    config = read_scheduler_config(manifests)
    (profile,) = config["profiles"]
    plugins = profile["plugins"]
    enabled = [plugin["name"] for plugin in plugins["multiPoint"]["enabled"]]
    assert profile["schedulerName"] == "commonpool"
    assert plugins["multiPoint"]["disabled"] == [{"name": "*"}]
    assert enabled[0] == "CommonPool"
    assert not {"DefaultPreemption", "InterPodAffinity", "PodTopologySpread", "ImageLocality"} & set(enabled)
    assert {"NodeResourcesFit", "TaintToleration", "VolumeBinding", "DynamicResources", "DefaultBinder"} <= set(enabled)
    for point in ("preEnqueue", "preFilter", "postFilter", "postBind"):
        assert plugins[point] == {"enabled": [{"name": "CommonPool"}]}
    assert profile["pluginConfig"][0]["args"]["mode"] == "Enforce"
    assert config["leaderElection"]["leaderElect"] is True
    assert config["clientConnection"]["kubeconfig"] == ""


def test_the_scheduler_and_the_policies_count_the_same_accelerators(chart: Path, manifests: list[Manifest]) -> None:
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    (profile,) = read_scheduler_config(manifests)["profiles"]
    assert profile["pluginConfig"][0]["args"]["acceleratorResources"] == values["accelerators"]["resourceNames"]


def test_a_scheduler_outside_the_cluster_is_told_where_the_cluster_is(render: Render) -> None:
    config = read_scheduler_config(
        render("scheduler.kubeconfig=/run/kubeconfig", "scheduler.leaderElect=false", "scheduler.uncountedResources={rdma/hca}")
    )
    assert config["clientConnection"]["kubeconfig"] == "/run/kubeconfig"
    assert config["leaderElection"]["leaderElect"] is False
    assert config["profiles"][0]["pluginConfig"][0]["args"]["uncountedResources"] == ["rdma/hca"]


def test_the_scheduler_alone_is_all_that_is_installed_where_it_only_scores(render: Render) -> None:
    manifests = render("scheduler.mode=ScoreOnly")
    assert {each["metadata"]["name"] for each in manifests if each["kind"] == "Deployment"} == {"commonpool-scheduler"}
    assert not [each for each in manifests if each["kind"] == "CustomResourceDefinition"]
    assert not [each["metadata"]["name"] for each in manifests if "operator" in each["metadata"]["name"]]
    assert not [each for each in manifests if "commonpool.dev" in str(each.get("rules"))], "rights on kinds that are not there"
    (flow,) = [each for each in manifests if each["kind"] == "FlowSchema"]
    assert [each["serviceAccount"]["name"] for each in flow["spec"]["rules"][0]["subjects"]] == ["commonpool-scheduler"]


def test_a_scheduler_that_only_scores_keeps_all_filters_and_preemption(render: Render) -> None:
    (profile,) = read_scheduler_config(
        render("scheduler.mode=ScoreOnly", "scheduler.workloadMix[0].gpuMilli=500", "scheduler.workloadMix[0].weight=3")
    )["profiles"]
    assert profile["percentageOfNodesToScore"] == 100
    plugins, arguments = profile["plugins"], {each["name"]: each["args"] for each in profile["pluginConfig"]}
    assert set(plugins) == {"multiPoint", "bind", "score"}
    assert plugins["multiPoint"] == {"enabled": [{"name": "CommonPool"}]}, "the defaults stay"
    assert plugins["bind"] == {"enabled": [{"name": "CommonPool"}]}, "before the default binder"
    assert arguments["CommonPool"]["mode"] == "ScoreOnly"
    assert arguments["CommonPool"]["workloadMix"] == [{"gpuMilli": 500, "weight": 3}]
    assert arguments["NodeResourcesFit"] == {"ignoredResourceGroups": ["commonpool.dev"]}


def test_policies_of_a_scheduler_alone_refuse_forged_cards_and_send_pods(render: Render) -> None:
    manifests = {
        (each["kind"], each["metadata"]["name"]): each["spec"] for each in render("scheduler.mode=ScoreOnly") if "Admission" in each["kind"]
    }
    names = {name for _, name in manifests}
    assert names == {"commonpool-cards", "commonpool-send"}
    cards = manifests["ValidatingAdmissionPolicy", "commonpool-cards"]
    assert cards["failurePolicy"] == "Fail"
    assert cards["matchConstraints"]["resourceRules"][0]["resources"] == ["pods", "pods/status"]
    assert "namespaceSelector" not in cards["matchConstraints"], "in every namespace"
    assert not [each for each in render("scheduler.mode=ScoreOnly", "policies.enabled=false") if "Admission" in each["kind"]]
