import os
import threading
from pathlib import Path

import pytest

from commonpool.errors import SetupError
from commonpool.local.build import Recipe, Target, build, compute_key
from commonpool.local.gotool import Go, parse_version

FAKE_GO = """#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
list) echo one; echo two ;;
build) test ! -e "{folder}/fail" || {{ echo "it does not compile"; exit 1; }}
  echo one; echo two; for word; do case "$word" in */out) echo built > "$word" ;; esac; done ;;
esac
"""


class Listener:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.counts: list[tuple[str, int, int]] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def advance(self, what: str, done: int, total: int) -> None:
        self.counts.append((what, done, total))


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    folder = tmp_path / "module"
    folder.mkdir()
    for name in ("go.mod", "go.sum", "main.go", "main_test.go"):
        (folder / name).write_text(name)
    return Recipe("thing", folder, (Target(".", (), "out"),), sources=True, cold="a minute")


@pytest.fixture
def go(tmp_path: Path, recipe: Recipe) -> Go:
    command = tmp_path / "go"
    command.write_text(FAKE_GO.format(log=tmp_path / "calls", folder=recipe.folder))
    command.chmod(0o755)
    return Go(command, "go1.26.0")


def _count_builds(tmp_path: Path) -> int:
    return sum(line.startswith("build") for line in (tmp_path / "calls").read_text().splitlines())


def test_what_is_built_once_is_not_built_again(tmp_path: Path, recipe: Recipe, go: Go) -> None:
    folder = build(recipe, go, tmp_path / "bin", Listener())
    assert (folder / "out").read_text() == "built\n"
    assert build(recipe, go, tmp_path / "bin", Listener()) == folder
    assert _count_builds(tmp_path) == 1


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "main.go"])
def test_the_key_follows_versions_and_sources(recipe: Recipe, go: Go, file: str) -> None:
    before = compute_key(recipe, go)
    (recipe.folder / file).write_text("changed")
    assert compute_key(recipe, go) != before


def test_the_key_does_not_follow_tests_but_the_toolchain(recipe: Recipe, go: Go) -> None:
    before = compute_key(recipe, go)
    (recipe.folder / "main_test.go").write_text("changed")
    assert compute_key(recipe, go) == before
    assert compute_key(recipe, Go(go.command, "go1.26.1")) != before


def test_what_does_not_compile_is_told_in_the_compilers_words_and_leaves_nothing(tmp_path: Path, recipe: Recipe, go: Go) -> None:
    (recipe.folder / "fail").touch()
    with pytest.raises(SetupError, match="it does not compile"):
        build(recipe, go, tmp_path / "bin", Listener())
    assert [path.name for path in (tmp_path / "bin").iterdir()] == [".thing.lock"]


def test_the_two_newest_and_those_of_today_are_kept_and_what_a_killed_build_left_is_swept(tmp_path: Path, recipe: Recipe, go: Go) -> None:
    left_over = tmp_path / "bin" / ".thing-killed"
    left_over.mkdir(parents=True)
    folders = []
    for number in range(4):
        (recipe.folder / "main.go").write_text(str(number))
        folders.append(build(recipe, go, tmp_path / "bin", Listener()))
        if number != 1:
            os.utime(folders[-1], (number, number))
    assert [folder.is_dir() for folder in folders] == [False, True, False, True]
    assert not left_over.exists()


def test_two_builders_build_once(tmp_path: Path, recipe: Recipe, go: Go) -> None:
    found: list[Path] = []
    builders = [threading.Thread(target=lambda: found.append(build(recipe, go, tmp_path / "bin", Listener()))) for _ in range(4)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert len(set(found)) == 1
    assert len(found) == 4
    assert _count_builds(tmp_path) == 1


def test_a_build_says_first_how_long_it_takes_and_then_how_far_it_is(tmp_path: Path, recipe: Recipe, go: Go) -> None:
    listener = Listener()
    build(recipe, go, tmp_path / "bin", listener)
    assert "a minute" in listener.said[0]
    assert ("thing: packages compiled", 1, 2) in listener.counts
    assert listener.counts[-1] == ("thing: linking", 0, 0)


@pytest.mark.parametrize(("text", "version"), [("go1.26.8", (1, 26)), ("go1.27rc1", (1, 27)), ("go1.4", (1, 4)), ("devel", (0, 0))])
def test_a_go_version_is_two_numbers(text: str, version: tuple[int, int]) -> None:
    assert parse_version(text) == version
