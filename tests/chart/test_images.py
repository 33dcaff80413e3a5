import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))


@pytest.fixture(params=DOCKERFILES, ids=lambda path: path.name)
def lines(request: pytest.FixtureRequest) -> list[str]:
    dockerfile: Path = request.param
    return dockerfile.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def test_every_base_is_pinned_to_a_patch_release_or_a_digest(lines: list[str]) -> None:
    arguments = dict(line.removeprefix("ARG ").split("=", 1) for line in lines if line.startswith("ARG ") and "=" in line)
    stages: set[str] = set()
    for line in (line for line in lines if line.startswith("FROM ")):
        words = line.split()
        base = re.sub(r"\$\{(\w+)\}", lambda name: arguments[name[1]], words[1])
        assert base in stages | {"scratch"} or re.search(
            r":\d+\.\d+\.\d+(-[a-z0-9-]+)?$|:[a-z0-9-]+@sha256:[0-9a-f]{64}$|@sha256:[0-9a-f]{64}$", base
        ), base
        stages.add(words[-1])


def test_it_runs_as_the_user_that_the_chart_names(lines: list[str]) -> None:
    assert [line for line in lines if line.startswith("USER ")] == ["USER 65532:65532"]


def test_what_is_copied_exists_and_is_not_ignored(lines: list[str]) -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")]
    for line in (line for line in lines if line.startswith("COPY ") and "--from" not in line):
        for source in line.split()[1:-1]:
            assert (ROOT / source).exists(), source
            assert any(source == path or source.startswith(f"{path}/") for path in allowed), source
