"""Shared libraries that a root folder lacks because no package's script has run in it, or because their packages were spared."""

import subprocess
from pathlib import Path

from commonpool.errors import SetupError

_EMPTY = "libdl.so.2"
"""In glibc 2.34 or later nothing but a name, for programs that were linked with what it was."""


def link_missing(root: Path) -> None:
    """Put links in the places of libraries that others are linked with: to what Debian's alternatives would choose, else to an empty one.

    Many libraries are linked with others and never call them. If a function is missed after all, who calls it cannot be loaded.
    """
    found = next(root.glob("usr/lib/*/libc.so.6"), None)
    if found is None:
        raise SetupError(f"the root folder `{root}` has no C library")
    folder = found.parent
    while missing := _find_missing(root, folder):
        for name in missing:
            alternative = next(iter(sorted(folder.glob(f"*/{name}"))), folder / _EMPTY)
            (folder / name).symlink_to(alternative.relative_to(folder))


def _find_missing(root: Path, folder: Path) -> list[str]:
    """The names that the root folder's own loader does not find for the libraries there, which are loaded and not run."""
    libraries = sorted(path.name for path in folder.glob("lib*.so*"))
    answer = subprocess.run(
        [
            *("chroot", root, "/usr/bin/env", "-i", "LD_TRACE_LOADED_OBJECTS=1"),
            *(f"LD_PRELOAD={':'.join(libraries)}", "/usr/bin/env"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise SetupError(f"the libraries of `{root}` cannot be looked at:\n\n{answer.stderr.strip()}")
    return sorted({line.split()[0] for line in answer.stdout.splitlines() if line.endswith("=> not found")})
