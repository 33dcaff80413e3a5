"""Root folders made of Debian's packages: downloaded and checked by apt with the machine's sources, unpacked, never installed.

Nothing of the machine changes: no package database, no service that a package would start. A folder is named by the packages it was asked
for and the release, made once, and kept in the cache.
"""

import hashlib
import platform
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from commonpool.errors import SetupError
from commonpool.local.locks import hold_lock
from commonpool.local.real.libraries import link_missing
from commonpool.local.real.modules import compile_modules
from commonpool.local.teller import Teller

_MERGED = ("bin", "sbin", "lib", "lib64")  # links to usr/, which Debian's installers make
_LEFT_OUT = ("doc", "man", "locale", "info", "lintian", "bash-completion")  # of usr/share
_IDENTITY = ("Package:", "Version:", "Architecture:", "Multi-Arch:")
_FORM = 1
"""Raised when this module makes other folders of the same packages."""
_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
_GROUPS = "root:x:0:\nnogroup:x:65534:\n"


@dataclass(frozen=True, slots=True)
class Root:
    """What a root folder holds: these packages and all that they depend on."""

    name: str
    packages: tuple[str, ...]
    spared: tuple[str, ...] = ()
    """How names of packages begin that these depend on and here have no use for: left out, with what only they depend on."""
    modules: tuple[str, ...] = ()
    """Python modules that are imported once, for proof that nothing is missing, and kept compiled with all that they import."""

    def compute_key(self) -> str:
        """Digest of all that decides what comes out, but for updates within the release."""
        release = platform.freedesktop_os_release()
        parts: tuple[object, ...] = (_FORM, self.packages, release.get("ID"), release.get("VERSION_ID"), platform.machine())
        if self.spared or self.modules:
            parts += (self.spared, self.modules)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


NODE = Root(
    "node", ("containerd", "runc", "containernetworking-plugins", "nftables", "iproute2", "util-linux", "mount", "coreutils", "dash")
)
"""What a node runs beside kubelet and kube-proxy."""


def make_root(root: Root, cache_dir: Path, teller: Teller) -> Path:
    """Return the folder, made if need be (a download of 50 MB or more). Two makers wait for each other."""
    folder = cache_dir / "debian"
    final = folder / f"{root.name}-{root.compute_key()}"
    if final.is_dir():
        return final
    with hold_lock(folder / ".lock", "unpacks Debian's packages", teller):
        if not final.is_dir():
            try:
                _make_into(root, final, teller)
            except SetupError as error:
                packages = ", ".join(root.packages)
                raise SetupError(
                    error.message, hint=f"apt fetches {packages} from this machine's sources: `apt-get update` must work"
                ) from error
    return final


def _make_into(root: Root, final: Path, teller: Teller) -> None:
    began = time.monotonic()
    teller.say(f"unpacking Debian's packages for {root.name}: {', '.join(root.packages)}")
    for left_over in final.parent.glob(f".{root.name}-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(dir=final.parent, prefix=f".{root.name}-"))
    try:
        archives = _download(root, temporary / "apt")
        _unpack(archives, temporary / "root")
        if root.spared:
            link_missing(temporary / "root")
        if root.modules:
            compile_modules(temporary / "root", root.modules)
        (temporary / "root").chmod(0o755)
        (temporary / "root").rename(final)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    teller.say(f"unpacked {len(archives)} packages for {root.name} in {time.monotonic() - began:.0f} s")


def _download(root: Root, folder: Path) -> list[Path]:
    """Let apt find out what is needed on a machine that has nothing, and fetch it."""
    cache, lists = folder / "cache", folder / "lists"
    for part in (cache / "archives" / "partial", lists / "partial"):
        part.mkdir(parents=True)
    status = folder / "status"
    status.touch()
    options = {
        "Dir::State::lists": lists,
        "Dir::State::status": status,
        "Dir::State::extended_states": folder / "extended_states",
        "Dir::Cache": cache,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    _run(["apt-get", "--quiet", *words, "update"])
    status.write_text(_describe_spared(root.spared, words), encoding="utf-8")
    _run(["apt-get", "--quiet", "--yes", *words, "install", "--download-only", *root.packages])
    return sorted((cache / "archives").glob("*.deb"))


def _describe_spared(spared: tuple[str, ...], words: list[str]) -> str:
    """What apt is to believe installed already: these packages with no dependencies, held so that it does not care for them."""
    names = [name for beginning in spared for name in _run(["apt-cache", *words, "pkgnames", beginning]).split()]
    if not names:
        return ""
    records = _run(["apt-cache", *words, "--no-all-versions", "show", *names]).split("\n\n")
    kept = [[line for line in record.splitlines() if line.startswith(_IDENTITY)] for record in records]
    return "".join("\n".join([*lines, "Status: hold ok installed", "\n"]) for lines in kept if lines)


def _unpack(archives: list[Path], root: Path) -> None:
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    left_out = [f"--exclude=./usr/share/{name}" for name in _LEFT_OUT]
    for archive in archives:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as reader:  # noqa: S607 - Debian's own
            _run(["tar", "--extract", "--keep-directory-symlink", f"--directory={root}", *left_out], stdin=reader)
        if reader.returncode != 0:
            raise SetupError(f"the package `{archive.name}` cannot be unpacked")
    (root / "etc" / "passwd").write_text(_USERS, encoding="utf-8")
    (root / "etc" / "group").write_text(_GROUPS, encoding="utf-8")
    shutil.copyfile("/etc/os-release", root / "etc" / "os-release")
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)


def _run(argv: list[str | Path], stdin: subprocess.Popen[bytes] | None = None) -> str:
    answer = subprocess.run(argv, stdin=stdin.stdout if stdin else subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise SetupError(f"`{argv[0]}` failed:\n\n{(answer.stderr or answer.stdout).strip()}")
    return answer.stdout
