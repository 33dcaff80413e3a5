"""Python modules of a root folder, compiled: a container writes to its own layer only, and would compile them each time it starts."""

import os
import stat
import subprocess
from pathlib import Path

from commonpool.errors import SetupError

_PROGRAM = """
import importlib, py_compile, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None) or ""
    if file.endswith(".py"):
        py_compile.compile(file, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""
_RANDOM = os.makedev(1, 9)


def compile_modules(root: Path, modules: tuple[str, ...]) -> None:
    """Import them in the root folder, and compile all that this imports; no times are compared, because files of a layer have none."""
    random = root / "dev" / "urandom"
    random.parent.mkdir(exist_ok=True)
    os.mknod(random, stat.S_IFCHR | 0o666, _RANDOM)
    try:
        answer = subprocess.run(
            ["chroot", root, "/usr/bin/env", "-i", "PATH=/usr/bin", "python3", "-B", "-c", _PROGRAM, *modules],  # noqa: S607 - coreutils
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        random.unlink()
    if answer.returncode != 0:
        said = answer.stderr.strip().rpartition("\n")[2]
        raise SetupError(f"`{modules[0]}` cannot be imported from Debian's packages: {said}")
