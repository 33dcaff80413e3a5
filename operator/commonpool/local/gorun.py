"""Runs the go command and hears it: a line a package that it compiles, a line a module that it downloads."""

import os
import select
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from commonpool.errors import SetupError
from commonpool.local.gotool import Go

_COMPILERS = ("gcc", "clang", "cc")
_TICK_SECONDS = 1.0
_TAIL_LINES = 40


def find_compiler() -> str:
    """Find the C compiler that the packing engine's library is compiled and linked with."""
    wish = os.environ.get("CC")
    for compiler in (wish,) if wish else _COMPILERS:
        if shutil.which(compiler.split()[0]):
            return compiler
    raise SetupError(f"there is no C compiler `{wish or 'gcc'}` here", hint="install gcc or clang (Debian: `apt install gcc libc6-dev`)")


def run_go(go: Go, folder: Path, arguments: Sequence[str | Path], hear: Callable[[str], None]) -> None:
    """Run go in `folder`; `hear` gets each line of output, and an empty one every second in which there is none.

    The caller's cache and module settings stay as they are. Whatever ends the wait (Ctrl-C too) ends the compilers with it.
    """
    compiler = find_compiler()
    process = subprocess.Popen(
        [go.command, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", **({} if compiler == "gcc" else {"CC": compiler})},
    )
    tail: list[str] = []
    try:
        for line in _read_lines(process):
            if line:
                tail = [*tail[1 - _TAIL_LINES :], line]
            hear(line)
        code = process.wait()
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        if process.stdout:
            process.stdout.close()
    if code != 0:
        raise SetupError(f"`go {arguments[0]}` failed in {folder}:\n\n" + "\n".join(tail))


def _read_lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    if process.stdout is None:
        return
    descriptor = process.stdout.fileno()
    rest = b""
    while True:
        if not select.select([descriptor], [], [], _TICK_SECONDS)[0]:
            yield ""
            continue
        chunk = os.read(descriptor, 65536)
        if not chunk:
            break
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines if line)
    if rest:
        yield rest.decode(errors="replace")
