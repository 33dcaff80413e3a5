"""Images as files for who has Docker: what real nodes import is what `kind load image-archive` and `docker load` take."""

import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from commonpool.errors import SetupError


@dataclass(frozen=True, slots=True)
class Archive:
    """One image in a tar."""

    name: str
    identity: str
    """The image's ID: what Docker lists, and what a pod's status says that it runs."""
    file: Path


def read_archive(file: Path) -> Archive:
    """What a tar of `images.make_image` holds."""
    with tarfile.open(file) as tar:
        saved = tar.extractfile("manifest.json")
        if saved is None:
            raise SetupError(f"`{file}` is no image")
        (image,) = json.load(saved)
    return Archive(image["RepoTags"][0], f"sha256:{Path(image['Config']).name}", file)


def write_archive(image: Path, folder: Path) -> Archive:
    """Copy an image of the cache into a folder, under the name that people know it by, e.g. `python-1.tar`."""
    known = read_archive(image)
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"{known.name.rpartition('/')[2].replace(':', '-')}.tar"
    shutil.copyfile(image, final)
    return Archive(known.name, known.identity, final)
