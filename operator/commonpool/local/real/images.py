"""Container images without a registry: a folder becomes the tar of an OCI layout that containerd imports.

An image is one layer, its config, its manifest and an index that names it (OCI image specification 1.1), and beside these the one file by
which older programs know it (`docker load`). Made once per content, kept in the cache.
"""

import hashlib
import json
import platform
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from commonpool.errors import SetupError
from commonpool.local.locks import hold_lock
from commonpool.local.real.debian import Root, make_root
from commonpool.local.teller import Teller

PAUSE = "commonpool.local/pause:1"
PYTHON = "commonpool.local/python:1"
"""Debian's Python and a shell."""
_PYTHON_ROOT = Root("python", ("python3", "dash", "coreutils", "netbase"))
_FORM = 2
"""Raised when this module makes other images of the same folder."""
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """An image to be made of a folder; `mark` stands for the folder's content in the file's name."""

    name: str
    folder: Path
    mark: str
    entrypoint: tuple[str, ...] = ()

    def file_name(self) -> str:
        """The tar's name: another content has another one."""
        digest = hashlib.sha256(repr((_FORM, self.name, self.mark, self.entrypoint)).encode()).hexdigest()[:16]
        return f"{self.name.rpartition('/')[2].replace(':', '-')}-{digest}.tar"


def make_images(binaries: Path, cache_dir: Path, teller: Teller) -> list[Path]:
    """The tars of all images that every node has, made if need be; `binaries` holds `pause`."""
    folder = cache_dir / "images"
    with tempfile.TemporaryDirectory() as temporary:
        pause = Path(shutil.copy2(binaries / "pause", temporary))
        pause_mark = hashlib.sha256(pause.read_bytes()).hexdigest()
        return [
            make_image(Recipe(PAUSE, Path(temporary), pause_mark, ("/pause",)), folder, teller),
            make_python_image(cache_dir, teller),
        ]


def make_python_image(cache_dir: Path, teller: Teller) -> Path:
    """The tar of `PYTHON`, made if need be."""
    root = make_root(_PYTHON_ROOT, cache_dir, teller)
    return make_image(Recipe(PYTHON, root, root.name), cache_dir / "images", teller)


def make_image(recipe: Recipe, folder: Path, teller: Teller) -> Path:
    """Return the image's tar, made if need be."""
    final = folder / recipe.file_name()
    with hold_lock(folder / ".lock", "makes images", teller):
        if not final.exists():
            teller.say(f"making the image {recipe.name}")
            with tempfile.TemporaryDirectory(dir=folder, prefix=".image-") as temporary:
                layer = Path(temporary) / "layer.tar"
                _write_layer(recipe.folder, layer)
                _write_image(recipe, layer, Path(temporary) / "image.tar")
                (Path(temporary) / "image.tar").rename(final)
    return final


def _write_layer(folder: Path, layer: Path) -> None:
    answer = subprocess.run(
        ["tar", "--create", "--sort=name", "--mtime=@0", "--numeric-owner", f"--file={layer}", f"--directory={folder}", "."],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise SetupError(f"`{folder}` cannot be put into an image:\n\n{answer.stderr.strip()}")


def _write_image(recipe: Recipe, layer: Path, final: Path) -> None:
    with layer.open("rb") as file:
        layer_digest = hashlib.file_digest(file, "sha256").hexdigest()
    config = _encode(
        {
            "architecture": _MACHINES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {
                "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                "Entrypoint": list(recipe.entrypoint),
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        }
    )
    manifest = _encode(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _describe("application/vnd.oci.image.config.v1+json", config),
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar",
                    "digest": f"sha256:{layer_digest}",
                    "size": layer.stat().st_size,
                }
            ],
        }
    )
    named = {**_describe("application/vnd.oci.image.manifest.v1+json", manifest), "annotations": {"io.containerd.image.name": recipe.name}}
    layer_path = f"blobs/sha256/{layer_digest}"
    saved = {"Config": _find_path(config), "RepoTags": [recipe.name], "Layers": [layer_path]}
    with tarfile.open(final, "w") as image, layer.open("rb") as content:
        _add(image, "oci-layout", _encode({"imageLayoutVersion": "1.0.0"}))
        _add(image, "index.json", _encode({"schemaVersion": 2, "manifests": [named]}))
        _add(image, "manifest.json", _encode([saved]))
        for blob in (config, manifest):
            _add(image, _find_path(blob), blob)
        entry = tarfile.TarInfo(layer_path)
        entry.size = layer.stat().st_size
        image.addfile(entry, content)


def _describe(kind: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": f"sha256:{hashlib.sha256(blob).hexdigest()}", "size": len(blob)}


def _find_path(blob: bytes) -> str:
    return f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}"


def _encode(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _add(image: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    image.addfile(entry, BytesIO(content))
