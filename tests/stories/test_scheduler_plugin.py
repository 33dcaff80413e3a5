"""The scheduler plugin on a real apiserver, Rounds written by hand: it holds, pins, checks, gives each place out once, evicts nobody."""

from collections import Counter
from collections.abc import Iterator

import pytest
from tests.stories.cluster import consistently, eventually, make_node
from tests.stories.people import hear
from tests.stories.plugin_stage import FLEET, SCHEDULER, Stage, make_request, make_spec, make_template

from commonpool.config import Settings
from commonpool.local.cluster import LocalCluster, Wish
from commonpool.local.teller import LogTeller

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    cluster = LocalCluster(Settings(state_home=tmp_path_factory.mktemp("plugin")), "plugin", LogTeller())
    try:
        cluster.up(Wish(fleet=FLEET, operator=False))
        yield cluster
    finally:
        cluster.down(delete=True)


@pytest.fixture
def stage(cluster: LocalCluster, request: pytest.FixtureRequest) -> Iterator[Stage]:
    client = cluster.client()
    namespace = request.node.name.removeprefix("test_").replace("_", "-")[:60].rstrip("-")
    client.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    eventually(lambda: client.find(f"/api/v1/namespaces/{namespace}/serviceaccounts/default") is not None)
    stage = Stage(cluster, client, namespace)
    yield stage
    stage.clear()


def test_a_pod_waits_without_a_single_write_until_a_round_names_its_node(stage: Stage) -> None:
    audit = stage.audit()
    stage.make_pod("patient")
    consistently(lambda: stage.nodes() == {} and not audit.writes(user=SCHEDULER))
    stage.promise("Pod", "patient", "gpu-003*1", pods="patient")
    stage.expect_on("gpu-003", "patient")
    written = {(SCHEDULER, "create", "pods/binding"): 1}  # told when it is answered, which can be after the pod was seen on its node
    eventually(lambda: audit.tally(user=SCHEDULER), until=lambda seen: seen == written)
    consistently(lambda: audit.tally(user=SCHEDULER) == written)
    assert stage.reasons() == set()


def test_a_round_that_was_there_first_is_obeyed_at_once(stage: Stage) -> None:
    stage.promise("Pod", "punctual", "gpu-002*1")
    stage.make_pod("punctual")
    stage.expect_on("gpu-002", "punctual")


def test_a_round_that_comes_before_its_node_is_obeyed_when_that_is_there(stage: Stage) -> None:
    """Rounds and nodes come by watches of their own, and one may be late; a refused pod would be looked at again in five minutes."""
    stage.make_pod("early")
    stage.promise("Pod", "early", "gpu-late*1", pods="early")
    eventually(lambda: stage.pods()["early"]["status"].get("conditions"))
    node = make_node("gpu-late")
    stage.client.create("/api/v1/nodes", {**node, "spec": {}})
    try:
        stage.expect_on("gpu-late", "early")
    finally:
        stage.client.delete("/api/v1/nodes/gpu-late")


def test_a_pod_that_asks_for_something_else_than_was_promised_is_held(stage: Stage) -> None:
    for name in ("greedy", "modest", "busy", "plain"):
        stage.promise("Pod", name, "gpu-001*1", gpus=2, pods=name)
    stage.make_pod("greedy", gpus=8)
    stage.make_pod("modest", gpus=1)
    spec = make_spec(2)
    spec["containers"][0]["resources"]["limits"]["cpu"] = "2"
    stage.make("Pod", "busy", spec)
    stage.make_pod("plain", gpus=0)
    stage.promise("Pod", "honest", "gpu-001*1", gpus=2)
    stage.make_pod("honest", gpus=2)
    stage.expect_on("gpu-001", "honest")
    consistently(lambda: set(stage.nodes()) == {"honest"}, for_seconds=1)


def test_the_pods_of_an_indexed_job_go_where_their_ranks_are_named(stage: Stage) -> None:
    stage.promise("Job", "train", "gpu-004*2 gpu-001*1 gpu-002*1", ranks="0-3")
    stage.make("Job", "train", {"completionMode": "Indexed", "completions": 4, "parallelism": 4, "template": make_template()})
    eventually(lambda: len(stage.nodes()) == 4)
    label = "batch.kubernetes.io/job-completion-index"
    by_rank = {pod["metadata"]["labels"][label]: pod["spec"]["nodeName"] for pod in stage.pods().values()}
    assert by_rank == {"0": "gpu-004", "1": "gpu-004", "2": "gpu-001", "3": "gpu-002"}


def test_each_place_of_a_deployment_is_given_out_once_also_when_the_scheduler_is_killed(stage: Stage) -> None:
    stage.cluster.kill("scheduler")
    stage.promise("Deployment", "web", "gpu-001*2 gpu-002*1")
    stage.make("Deployment", "web", {"replicas": 5, "selector": {"matchLabels": {"app": "web"}}, "template": make_template(app="web")})
    eventually(lambda: len(stage.pods()) == 5)
    stage.cluster.start("scheduler")
    eventually(lambda: len(stage.nodes()) == 3)

    stage.cluster.kill("scheduler")
    stage.cluster.start("scheduler")
    consistently(lambda: Counter(stage.nodes().values()) == {"gpu-001": 2, "gpu-002": 1})

    left = sorted(set(stage.pods()) - set(stage.nodes()))
    stage.promise("Deployment", "web", "gpu-003*1 gpu-004*1", pods=" ".join(left))
    stage.expect_on("gpu-003", left[0])
    stage.expect_on("gpu-004", left[1])


def test_what_is_withdrawn_before_it_is_used_is_not_obeyed(stage: Stage) -> None:
    whole = stage.promise("Pod", "late", "gpu-001*1")
    cut = stage.promise_all(
        *({"kind": "Pod", "workload": name, "nodes": "gpu-001*1", "request": make_request(1)} for name in ("cut", "kept"))
    )
    stage.withdraw(whole)
    stage.keep_line(cut, 1)
    stage.promise("Pod", "witness", "gpu-002*1")
    stage.make_pod("witness")
    stage.expect_on("gpu-002", "witness")  # what it obeys came after what was withdrawn
    stage.make_pod("late")
    stage.make_pod("cut")
    stage.make_pod("kept")
    stage.expect_on("gpu-001", "kept")
    consistently(lambda: set(stage.nodes()) == {"kept", "witness"}, for_seconds=1)


def test_a_place_is_free_again_when_the_bound_pod_is_gone_and_not_before(stage: Stage) -> None:
    stage.promise("Job", "flaky", "gpu-001*1", ranks="0")
    stage.make(
        "Job", "flaky", {"completionMode": "Indexed", "completions": 1, "parallelism": 1, "backoffLimit": 3, "template": make_template()}
    )
    eventually(lambda: len(stage.nodes()) == 1)
    [first] = stage.nodes()
    eventually(lambda: stage.pods()[first]["status"]["phase"], until=lambda seen: seen == "Running")  # or its kubelet says so after us
    path = f"/api/v1/namespaces/{stage.namespace}/pods/{first}/status"
    stage.client.request("PATCH", path, {"status": {"phase": "Failed"}})
    eventually(lambda: len(stage.pods()) == 2)
    consistently(lambda: set(stage.nodes()) == {first}, for_seconds=4)
    stage.drop_pod(first)
    eventually(lambda: first not in stage.pods() and len(stage.nodes()) == 1)


def test_nobody_is_evicted_for_a_planned_pod_and_a_newer_round_leads_it_elsewhere(stage: Stage) -> None:
    stage.client.create(
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "utmost"}, "value": 1000000},
    )
    utmost = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "important"}, "spec": make_spec(8, priorityClassName="utmost")}
    eventually(lambda: not hear(stage.client, "POST", f"/api/v1/namespaces/{stage.namespace}/pods", utmost))  # admission knows the class
    stage.make_pod("tenant", gpus=8, nodeName="gpu-001")
    stage.promise("Pod", "important", "gpu-001*1", gpus=8, pods="important")
    audit = stage.audit()
    stage.make_pod("important", gpus=8, priorityClassName="utmost")

    def complaint() -> str:
        conditions = stage.pods()["important"]["status"].get("conditions", [])
        return next((each.get("message", "") for each in conditions if each.get("reason") == "Unschedulable"), "")

    assert "waits for the node that a Round promised" in eventually(complaint)
    consistently(lambda: set(stage.nodes()) == {"tenant"})
    assert not [each for each in audit.writes(user=SCHEDULER) if each["verb"] == "delete"]
    stage.promise("Pod", "important", "gpu-002*1", gpus=8, pods="important")
    stage.expect_on("gpu-002", "important")
    eventually(stage.reasons)  # Events are written beside the binding
    consistently(lambda: stage.reasons() == {"FailedScheduling"}, for_seconds=1)


def test_rounds_of_a_leader_that_is_no_longer_one_are_ignored(stage: Stage) -> None:
    stage.promise("Pod", "moved", "gpu-002*1", epoch=5)
    stage.promise("Pod", "moved", "gpu-001*1", epoch=4, pods="moved")
    stage.promise("Pod", "orphan", "gpu-001*1", epoch=4)
    stage.make_pod("orphan")
    stage.make_pod("moved")
    stage.expect_on("gpu-002", "moved")
    consistently(lambda: set(stage.nodes()) == {"moved"}, for_seconds=1)
    stage.cluster.kill("scheduler")  # the next test starts with no epoch behind it
    stage.withdraw_all()
    stage.cluster.start("scheduler")
