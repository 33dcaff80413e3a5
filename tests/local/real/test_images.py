import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from commonpool.errors import SetupError
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
