"""An HPC workload is what MPI programs expect, and ends when its time is over."""

from pathlib import Path

import pytest
from tests.stories.cluster import eventually
from tests.stories.real.counting import PodLog, read_time
from tests.stories.real.footprint import kill_daemon
from tests.stories.real.inside import touch_enough
from tests.stories.real.manifests import make_hpc
from tests.stories.story import PATIENCE_SECONDS, Member, Story

from commonpool.config import read_settings
from commonpool.local.cluster import LocalCluster
from commonpool.local.real.catalogue import make_listed_image, name_image
from commonpool.local.teller import LogTeller

pytestmark = [pytest.mark.story, pytest.mark.timeout(900)]

WALLTIME_SECONDS = 60
"""Its pods have begun by then, and what is to be killed is."""
PROGRAM = Path(__file__).with_name("programs").joinpath("mpi.py").read_text(encoding="utf-8")
# The program must be a file, because mpirun starts it too.
STARTER = f"""
import os
with open("/tmp/program.py", "w") as file:
    file.write({PROGRAM!r})
os.execv("/usr/bin/python3", ["python3", "/tmp/program.py"])
"""
PATIENT = """
import signal, time
def end(*_):
    print("told", flush=True)
    raise SystemExit(0)
signal.signal(signal.SIGTERM, end)
print("begins", flush=True)
signal.pause()
"""


@pytest.fixture
def mpi_image(real_cluster: LocalCluster) -> str:
    real_cluster.add_image(make_listed_image("mpi", read_settings().cache_dir, LogTeller()))
    return name_image("mpi")


def test_an_mpi_program_runs_over_all_its_nodes_in_the_order_of_its_ranks(story: Story, alice: Member, log: PodLog, mpi_image: str) -> None:
    alice.create(make_hpc("solve", STARTER, nodes=2, gpus=8, image=mpi_image))
    alice.expect("solve", "Running")  # what has not begun when its kubelet dies may be refused by the next, and one lost rank is the end
    kill_daemon(story.cluster, alice.places("solve")["1"], "kubelet")
    story.cluster.kill("operator")
    story.cluster.start("operator")
    leader = alice.pods("solve")[0]["metadata"]["name"]
    eventually(lambda: touch_enough(alice, leader), within_seconds=PATIENCE_SECONDS)
    alice.expect("solve", "Completed")
    first, second = alice.pods("solve")
    said = alice.kubectl("logs", first["metadata"]["name"]).split()
    assert said == ["4", "6", "solve-0", "solve-0", "solve-1", "solve-1"]
    assert [pod["status"]["phase"] for pod in (first, second)] == ["Succeeded", "Succeeded"]
    assert len(log.read("solve")) == 2, "each rank ran once"
    log.expect_counted("solve", gpus=8)


def test_an_hpc_workload_whose_time_is_over_is_told_and_ends(story: Story, alice: Member, log: PodLog) -> None:
    alice.create(make_hpc("long", PATIENT, nodes=2, gpus=2, walltime_seconds=WALLTIME_SECONDS))
    alice.expect("long", "Running")
    names = [pod["metadata"]["name"] for pod in alice.pods("long")]
    eventually(
        lambda: [alice.kubectl("logs", name) for name in names],
        within_seconds=WALLTIME_SECONDS,
        until=lambda seen: seen == ["begins\n"] * 2,
    )
    kill_daemon(story.cluster, alice.places("long")["1"], "kubelet")
    story.cluster.kill("operator")
    assert alice.kubectl("logs", "--follow", names[0]) == "begins\ntold\n"
    ended_at = eventually(lambda: find_end(alice, "long"), within_seconds=PATIENCE_SECONDS)
    eventually(lambda: not alice.pods("long"), within_seconds=PATIENCE_SECONDS)
    story.cluster.start("operator")
    alice.expect("long", "Failed")
    assert alice.condition("long", "Succeeded")["message"] == f"its walltime of {WALLTIME_SECONDS} s is over"
    status = alice.look("long")["status"]
    assert (status["pool"], status["replicas"]["want"]) == ("real", 2)
    assert len(log.read("long")) == 2
    log.expect_counted_until(ended_at, "long", gpus=2)


def find_end(alice: Member, job: str) -> int:
    """When its controller said that it has failed; 0: it has not yet."""
    conditions = alice.client.get(alice.path("Job", job))["status"].get("conditions", ())
    return next((read_time(each["lastTransitionTime"]) for each in conditions if each["type"] == "Failed"), 0)
