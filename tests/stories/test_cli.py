"""The commands on the live cluster, as a person and as a script call them."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.stories.cluster import eventually
from tests.stories.manifests import make_training
from tests.stories.parity import list_recordings
from tests.stories.story import Member, Story

from commonpool.cli.main import main

SVG = "http://www.w3.org/2000/svg"

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str


class Shell:
    """Somebody's shell, where KUBECONFIG names the cluster. Commands run in this process: starting Python costs more than most of them."""

    def __init__(self, story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.cluster = story.cluster
        self.environment = {"NO_COLOR": "1", "COLUMNS": "200", "XDG_STATE_HOME": str(self.cluster.places.root.parents[1])}

    def run(self, *words: str | Path, kubeconfig: Path | None = None) -> Answer:
        for name, value in {**self.environment, "KUBECONFIG": str(kubeconfig or self.cluster.kubeconfig)}.items():
            self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr(sys, "argv", ["commonpool", *(str(word) for word in words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        said = self._capsys.readouterr()
        return Answer(code, said.out, said.err)

    def run_as(self, member: Member, *words: str | Path) -> Answer:
        return self.run(*words, kubeconfig=self.cluster.user_kubeconfig(member.user))


@pytest.fixture
def alice(story: Story) -> Member:
    """Her tenant may hold 32; one gang of 24 runs, another of 16 waits."""
    alice = story.add_tenant("vision", "alice", guaranteed=16, limit=32)
    alice.create(make_training("runs", pods=3))
    alice.expect("runs", "Running")
    alice.create(make_training("waits", pods=2))
    alice.expect("waits", "QuotaReached")
    eventually(lambda: alice.wait("waits").get("position"), until=lambda seen: seen == 1)
    eventually(lambda: not story.rounds())
    return alice


@pytest.fixture
def shell(story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(story, monkeypatch, capsys)


def test_top_shows_pools_tenants_and_who_holds_what(shell: Shell, alice: Member) -> None:
    answer = shell.run("top")
    assert (answer.code, answer.err) == (0, "")
    lines = [line.split() for line in answer.out.splitlines()]
    assert ["h100", "4", "32", "24", "8", "8"] in lines
    assert [alice.tenant, "h100", "16", "32", "24", "8", "0"] in lines
    assert [f"{alice.namespace}/runs", alice.tenant, "Training", "h100", "3/3", "Running", "-", "24"] in lines
    assert [f"{alice.namespace}/waits", alice.tenant, "Training", "-", "0/2", "QuotaReached", "QuotaReached", "0"] in lines
    report = json.loads(shell.run("top", "-o", "json").out)
    assert {pool["pool"]: pool["promised"] for pool in report["pools"]} == {"a100": 0, "h100": 24}
    assert {row["workload"] for row in report["workloads"]} == {f"{alice.namespace}/{name}" for name in ("runs", "waits")}


def test_top_draws_the_pool_and_who_holds_it(shell: Shell, alice: Member) -> None:
    answer = shell.run("top", "-o", "svg")
    assert (answer.code, answer.err) == (0, "")
    picture = ET.fromstring(answer.out)  # noqa: S314 - ours
    told = [element.text or "" for element in picture.iter(f"{{{SVG}}}title")]
    assert sum(f"8 {alice.tenant} ({alice.namespace}/runs)" in text for text in told) == 3
    assert f"{alice.tenant}: 24 held, 1 waiting for 16" in answer.out


def test_watching_on_a_pipe_shows_a_table_and_ctrl_c_ends_it(shell: Shell, alice: Member) -> None:
    command = [sys.executable, "-m", "commonpool.cli.main", "top", "--watch", "--interval", "0.5"]
    environment = {**os.environ, "KUBECONFIG": str(shell.cluster.kubeconfig)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen: list[str] = []
        while f"{alice.namespace}/waits" not in "".join(seen):
            seen.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=30)
    assert process.returncode == 130
    assert complaints == ""
    assert "\x1b" not in "".join(seen)


def test_explain_says_why_something_waits_and_what_would_start_it(alice: Member, shell: Shell) -> None:
    answer = shell.run_as(alice, "explain", "waits", "-n", alice.namespace)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"{alice.namespace}/waits: QuotaReached\n")
    assert "16 more accelerators of pool `h100` would exceed your limit of 32 by 8: 24 are held" in answer.out
    assert "1 replica instead of 2 would start now" in answer.out
    told = json.loads(shell.run_as(alice, "explain", f"{alice.namespace}/waits", "-o", "json").out)
    assert told["wait"]["reason"] == "QuotaReached"
    assert told["wait"]["position"] == 1


def test_a_snapshot_of_the_live_cluster_replays_byte_for_byte(shell: Shell, alice: Member, tmp_path: Path) -> None:
    taken = shell.run("snapshot")
    assert taken.code == 0
    file = tmp_path / "round.json"
    file.write_text(taken.out, encoding="utf-8")
    again = shell.run("replay", file)
    assert (again.code, again.out) == (0, taken.out)
    recorded = max(list_recordings(alice.cluster.places))
    assert shell.run("replay", recorded).out == recorded.read_text(encoding="utf-8")
    cycle = json.loads(taken.out)
    cycle["plan"]["hold"] = []
    file.write_text(json.dumps(cycle), encoding="utf-8")
    differs = shell.run("replay", file)
    assert differs.code == 3
    assert "QUOTA_REACHED" in differs.err or "QuotaReached" in differs.err


def test_status_names_every_process_with_its_log_for_scripts(shell: Shell, story: Story) -> None:
    answer = shell.run("local", "status", "--name", story.cluster.places.name, "-o", "json")
    assert answer.code == 0
    status = json.loads(answer.out)
    assert status["kubeconfig"] == str(story.cluster.kubeconfig)
    processes = {process["name"]: process for process in status["processes"]}
    assert set(processes) == {"etcd", "apiserver", "controller-manager", "kwok", "machines", "load", "scheduler", "operator"}
    assert all(process["pid"] and Path(process["log"]).is_file() for process in processes.values())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("explain", "nobody/nothing"), "there is no GPUWorkload `nothing` in namespace `nobody`"),
        (("replay", "/does/not/exist.json"), "cannot be read: No such file or directory"),
        (("explain",), "WORKLOAD"),
        (("top", "-o", "xml"), "xml"),
        (("top", "--watch", "-o", "svg"), "--watch shows a table"),
    ],
    ids=["no such workload", "no such file", "nothing named", "no such form", "a picture that moves"],
)
def test_wrong_usage_is_answered_with_a_sentence_and_exit_code_2(shell: Shell, words: tuple[str, ...], says: str) -> None:
    answer = shell.run(*words)
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err


def test_who_may_not_read_the_pool_is_told_so(shell: Shell, alice: Member) -> None:
    answer = shell.run_as(alice, "top")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("error: ")
    assert "forbidden" in answer.err


def test_a_cluster_that_does_not_answer_is_an_error_and_not_a_wrong_question(shell: Shell, tmp_path: Path) -> None:
    dead = tmp_path / "kubeconfig"
    text = shell.cluster.kubeconfig.read_text(encoding="utf-8")
    dead.write_text(re.sub(r"(https://127\.0\.0\.1):\d+", r"\1:1", text), encoding="utf-8")
    answer = shell.run("top", kubeconfig=dead)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("error: ")


@pytest.mark.parametrize("text", ["clusters: [", "clusters: 5", "", None], ids=["no YAML", "no kubeconfig", "empty", "not there"])
def test_what_is_no_kubeconfig_is_named(shell: Shell, tmp_path: Path, text: str | None) -> None:
    wrong = tmp_path / "kubeconfig"
    if text is not None:
        wrong.write_text(text, encoding="utf-8")
    answer = shell.run("top", kubeconfig=wrong)
    assert (answer.code, answer.out) == (1, "")
    assert str(wrong) in answer.err


def test_kubectl_finds_it_as_its_own_command(alice: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("KUBECONFIG", str(alice.cluster.user_kubeconfig("alice")))
    answer = subprocess.run(
        ["kubectl", "commonpool", "explain", f"{alice.namespace}/runs"],  # noqa: S607 - that it is on the PATH is the point
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith(f"{alice.namespace}/runs: Running\n")
