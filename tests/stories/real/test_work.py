"""Untouched work in a tenant's namespace really runs: on a kubelet, through the pool, and whatever is killed under it."""

from pathlib import Path

import pytest
from tests.stories.cluster import eventually
from tests.stories.real.counting import PodLog
from tests.stories.real.footprint import kill_container, kill_daemon
from tests.stories.real.inside import touch_enough
from tests.stories.real.manifests import make_container, make_job, make_service
from tests.stories.story import PATIENCE_SECONDS, Member, Story

from commonpool.config import read_settings
from commonpool.local.real.archive import write_archive
from commonpool.local.real.images import PYTHON, make_python_image
from commonpool.local.teller import LogTeller

pytestmark = [pytest.mark.story, pytest.mark.timeout(900)]

WORKER = """
import os, time
print("begins with", len(os.environ["COMMONPOOL_ACCELERATORS"].split(",")), flush=True)
while not os.path.exists("/tmp/enough"):
    time.sleep(0.05)
print("ends", flush=True)
"""
SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.environ["HOSTNAME"].encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""
ASKER = """
import time, urllib.request
heard = set()
give_up_at = time.monotonic() + 170
while len(heard) < 2 and time.monotonic() < give_up_at:
    try:
        heard.add(urllib.request.urlopen("http://web/", timeout=2).read().decode())
    except OSError:
        time.sleep(0.1)
print(*sorted(heard), sep="\\n", flush=True)
"""
PEER = """
import os, socket, time
rank = int(os.environ["JOB_COMPLETION_INDEX"])
if rank == 0:
    with socket.create_server(("", 7000)) as server:
        print(server.accept()[0].recv(100).decode(), flush=True)
else:
    give_up_at = time.monotonic() + 170
    while time.monotonic() < give_up_at:
        try:
            with socket.create_connection(("peers-0.peers", 7000), timeout=2) as first:
                first.sendall(f"rank {rank} on {socket.gethostname()}".encode())
            break
        except OSError:
            time.sleep(0.1)
"""


def list_pods(alice: Member, name: str, phase: str) -> list[str]:
    return [pod["metadata"]["name"] for pod in alice.pods(name) if pod["status"]["phase"] == phase]


def read_log(alice: Member, name: str) -> list[str]:
    return alice.kubectl("logs", name).splitlines()


@pytest.mark.parametrize("daemon", ["kubelet", "containerd"])
def test_an_untouched_job_runs_once_although_what_runs_it_is_killed(story: Story, alice: Member, log: PodLog, daemon: str) -> None:
    alice.kubectl("create", "-f", "-", stdin=make_job("count", WORKER, gpus=2))
    alice.expect("count", "Running")
    (pod,) = alice.pods("count")
    name, node = pod["metadata"]["name"], pod["spec"]["nodeName"]
    eventually(lambda: read_log(alice, name), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == ["begins with 2"])

    kill_daemon(story.cluster, node, daemon)
    eventually(lambda: touch_enough(alice, name), within_seconds=PATIENCE_SECONDS)

    alice.expect("count", "Completed")
    (same,) = alice.pods("count")
    assert same["metadata"]["uid"] == pod["metadata"]["uid"]
    assert same["status"]["containerStatuses"][0]["restartCount"] == 0
    assert alice.look("count", "Job")["status"]["succeeded"] == 1
    assert read_log(alice, name) == ["begins with 2", "ends"]
    log.expect_counted("count", gpus=2)


def test_a_job_whose_container_is_killed_runs_again_and_both_its_pods_are_counted(story: Story, alice: Member, log: PodLog) -> None:
    alice.kubectl("create", "-f", "-", stdin=make_job("count", WORKER, gpus=3))
    alice.expect("count", "Running")
    first = alice.pods("count")[0]["metadata"]["name"]
    eventually(lambda: read_log(alice, first), within_seconds=PATIENCE_SECONDS)

    kill_container(alice.pods("count")[0])
    story.cluster.kill("operator")
    story.cluster.start("operator")
    second = eventually(
        lambda: next((each for each in list_pods(alice, "count", "Running") if each != first), ""), within_seconds=PATIENCE_SECONDS
    )
    eventually(lambda: touch_enough(alice, second), within_seconds=PATIENCE_SECONDS)

    alice.expect("count", "Completed")
    assert sorted(pod["status"]["phase"] for pod in alice.pods("count")) == ["Failed", "Succeeded"]
    log.expect_counted("count", gpus=3)


def test_an_archive_for_kind_is_the_image_that_nodes_run(story: Story, alice: Member, tmp_path: Path) -> None:
    """`kind load image-archive` does with it what our nodes do: `ctr images import -`."""
    archive = write_archive(make_python_image(read_settings().cache_dir, LogTeller()), tmp_path)
    assert story.cluster.add_image(archive.file) == ["real-001", "real-002", "plain-001"]
    alice.kubectl("create", "-f", "-", stdin=make_job("hello", "print('hello')"))
    alice.expect("hello", "Completed")
    (pod,) = alice.pods("hello")
    assert pod["status"]["containerStatuses"][0]["imageID"] == archive.identity


def test_a_job_whose_node_dies_waits_for_it_and_runs_again(story: Story, alice: Member, log: PodLog) -> None:
    alice.kubectl("create", "-f", "-", stdin=make_job("count", WORKER))
    alice.expect("count", "Running")
    (pod,) = alice.pods("count")
    node = pod["spec"]["nodeName"]
    eventually(lambda: read_log(alice, pod["metadata"]["name"]), within_seconds=PATIENCE_SECONDS)

    story.cluster.kill(node)
    eventually(lambda: read_ready(story, node), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == "Unknown")
    alice.kubectl("create", "-f", "-", stdin=make_job("elsewhere", WORKER, gpus=8))
    alice.expect("elsewhere", "Running")
    assert node not in alice.nodes("elsewhere")

    story.cluster.start(node)
    eventually(
        lambda: [each["status"]["phase"] for each in alice.pods("count")],
        within_seconds=PATIENCE_SECONDS,
        until=lambda seen: sorted(seen) == ["Failed", "Running"],
    )
    (again,) = list_pods(alice, "count", "Running")
    eventually(lambda: touch_enough(alice, again), within_seconds=PATIENCE_SECONDS)
    alice.expect("count", "Completed")
    assert alice.look("count", "Job")["status"]["succeeded"] == 1
    log.expect_counted("count", gpus=1)


def read_ready(story: Story, node: str) -> str:
    conditions = story.admin.get(f"/api/v1/nodes/{node}")["status"]["conditions"]
    return next(str(condition["status"]) for condition in conditions if condition["type"] == "Ready")


def test_an_untouched_deployment_is_reached_by_the_name_of_its_service_on_every_node(story: Story, alice: Member, log: PodLog) -> None:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [make_container(SERVER, gpus=7)]}}
    deployment = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    alice.kubectl(
        "create", "-f", "-", stdin={"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": deployment}
    )
    alice.kubectl("create", "-f", "-", stdin=make_service("web", ports=[{"port": 80, "targetPort": 8000}]))
    eventually(lambda: len(list_pods(alice, "web", "Running")), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == 2)
    assert sorted(alice.places("web").values()) == ["real-001", "real-002"]

    kill_daemon(story.cluster, "real-001", "kube-proxy")
    kill_daemon(story.cluster, "real-002", "kubelet")
    alice.kubectl("create", "-f", "-", stdin=make_job("ask", ASKER))
    alice.expect("ask", "Completed")

    (asker,) = list_pods(alice, "ask", "Succeeded")  # a kubelet that comes back may have refused one before
    assert read_log(alice, asker) == list_pods(alice, "web", "Running")
    alice.expect("web", "Running")
    log.expect_counted("web", gpus=7)


def test_the_ranks_of_a_gang_find_each_other_by_name(story: Story, alice: Member, log: PodLog) -> None:
    job = make_job("peers", PEER, gpus=8)
    job["spec"] |= {"completionMode": "Indexed", "completions": 2, "parallelism": 2}
    job["spec"]["template"]["spec"]["subdomain"] = "peers"
    alice.kubectl("create", "-f", "-", stdin=make_service("peers", clusterIP="None", publishNotReadyAddresses=True))
    alice.kubectl("create", "-f", "-", stdin=job)
    eventually(lambda: len(alice.places("peers")), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == 2)
    kill_daemon(story.cluster, "real-002", "containerd")
    alice.expect("peers", "Completed")
    first, _ = list_pods(alice, "peers", "Succeeded")
    assert alice.places("peers") == {"0": "real-001", "1": "real-002"}
    assert read_log(alice, first) == ["rank 1 on peers-1"]
    log.expect_counted("peers", gpus=8)


def test_what_kubectl_itself_creates_runs_although_it_asks_for_no_accelerator(alice: Member) -> None:
    """Word for word as people type it; the fake node would take these pods too, and only play that they run."""
    alice.kubectl("create", "job", "hello", f"--image={PYTHON}", "--", "python3", "-c", "print('hi')")
    alice.kubectl("create", "deployment", "hall", f"--image={PYTHON}", "--replicas=3", "--", "python3", "-m", "http.server")
    alice.kubectl("wait", "--for=condition=complete", "job/hello", f"--timeout={PATIENCE_SECONDS}s")
    alice.kubectl("wait", "--for=condition=available", "deployment/hall", f"--timeout={PATIENCE_SECONDS}s")
    assert alice.kubectl("logs", "job/hello") == "hi\n"
    assert alice.nodes("hello") + alice.nodes("hall") == {"plain-001": 4}
    assert alice.client.get(alice.path("GPUWorkload"))["items"] == []
