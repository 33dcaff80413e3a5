import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from commonpool.errors import SetupError
from commonpool.local.real.archive import Archive, write_archive
from commonpool.local.real.images import Recipe, make_image
from commonpool.local.teller import LogTeller


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "tool").write_text("#!/bin/true\n")
    return folder


def read_image(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as image:
        return {entry.name: file.read() for entry in image if (file := image.extractfile(entry))}


def test_everything_in_an_image_is_found_by_its_digest(tmp_path: Path, folder: Path) -> None:
    path = make_image(Recipe("commonpool.local/tool:1", folder, "a", ("/bin/tool",)), tmp_path, LogTeller())
    files = read_image(path)
    (named,) = json.loads(files["index.json"])["manifests"]
    assert named["annotations"] == {"io.containerd.image.name": "commonpool.local/tool:1"}

    def follow(link: dict[str, object]) -> bytes:
        algorithm, _, digest = str(link["digest"]).partition(":")
        blob = files[f"blobs/{algorithm}/{digest}"]
        assert len(blob) == link["size"]
        assert hashlib.sha256(blob).hexdigest() == digest
        return blob

    manifest = json.loads(follow(named))
    config = json.loads(follow(manifest["config"]))
    (layer,) = manifest["layers"]
    assert config["rootfs"]["diff_ids"] == [layer["digest"]]
    assert config["config"]["Entrypoint"] == ["/bin/tool"]
    (tmp_path / "layer.tar").write_bytes(follow(layer))
    assert read_image(tmp_path / "layer.tar") == {"./bin/tool": b"#!/bin/true\n"}


def test_an_image_is_made_once_and_anew_where_its_content_is_another(tmp_path: Path, folder: Path) -> None:
    first = make_image(Recipe("tool:1", folder, "a"), tmp_path, LogTeller())
    made = first.stat().st_mtime_ns
    assert make_image(Recipe("tool:1", folder, "a"), tmp_path, LogTeller()) == first
    assert first.stat().st_mtime_ns == made
    assert make_image(Recipe("tool:1", folder, "b"), tmp_path, LogTeller()) != first


def test_a_folder_that_is_not_there_makes_no_image(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be put into an image"):
        make_image(Recipe("tool:1", tmp_path / "nowhere", "a"), tmp_path, LogTeller())
    assert not list(tmp_path.glob("*.tar"))


def test_an_archive_is_the_very_image_under_a_name_that_people_know_and_docker_finds_its_parts(tmp_path: Path, folder: Path) -> None:
    image = make_image(Recipe("commonpool.local/tool:1", folder, "a", ("/bin/tool",)), tmp_path, LogTeller())
    archive = write_archive(image, tmp_path / "to" / "kind")
    files = read_image(archive.file)
    (named,) = json.loads(files["index.json"])["manifests"]
    assert archive.file.read_bytes() == image.read_bytes()
    manifest = json.loads(files[f"blobs/sha256/{named['digest'].removeprefix('sha256:')}"])
    assert archive == Archive("commonpool.local/tool:1", manifest["config"]["digest"], tmp_path / "to" / "kind" / "tool-1.tar")
    (saved,) = json.loads(files["manifest.json"])
    assert saved["RepoTags"] == ["commonpool.local/tool:1"]
    parts = [manifest["config"], *manifest["layers"]]
    assert [saved["Config"], *saved["Layers"]] == [f"blobs/sha256/{part['digest'].removeprefix('sha256:')}" for part in parts]


def test_the_same_folder_makes_the_same_image_everywhere(tmp_path: Path, folder: Path) -> None:
    first = make_image(Recipe("tool:1", folder, "a"), tmp_path / "one", LogTeller())
    for path in (folder / "bin" / "tool", folder / "bin", folder):
        os.utime(path, (1, 1))
    assert make_image(Recipe("tool:1", folder, "a"), tmp_path / "other", LogTeller()).read_bytes() == first.read_bytes()
