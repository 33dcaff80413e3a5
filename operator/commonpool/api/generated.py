"""Files that are made from the models: written, or compared with what is there."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def keep_files(texts: Mapping[str, str], directory: Path, arguments: Sequence[str] | None = None) -> int:
    """Write files by name, or with `--check` among the arguments only say which differ; 1 if one does, else 0.

    A YAML or Markdown file in the directory that nobody makes any more counts as one that differs, and is removed.
    """
    parser = argparse.ArgumentParser(description="write the files that are made from the API's models")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file is not what the models say")
    parser.add_argument("--directory", type=Path, default=directory, help="where the files are (default: %(default)s)")
    options = parser.parse_args(arguments)
    differing = _find_differing(texts, options.directory)
    if options.check:
        for path in differing:
            sys.stderr.write(f"`{path}` is not what its sources say\n\nhint: run `make crds telemetry` and commit it\n")
        return 1 if differing else 0
    for path in differing:
        if path.name in texts:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path.name], encoding="utf-8")
        else:
            path.unlink()
    return 0


def _find_differing(texts: Mapping[str, str], directory: Path) -> list[Path]:
    kinds = {Path(name).suffix for name in texts}
    there = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*") if path.suffix in kinds}
    return [directory / name for name in sorted(texts.keys() | there.keys()) if texts.get(name) != there.get(name)]
