"""Every round that the live operator kept is planned again, and must come out the same byte for byte."""

from pathlib import Path

from commonpool.engine.native import load_native
from commonpool.engine.protocol import Engine
from commonpool.engine.reference import ReferenceEngine
from commonpool.local.binaries import Binaries
from commonpool.local.places import Places
from commonpool.sim.replay import find_difference, parse_recording, render_recording


def load_engines(binaries: Binaries) -> tuple[Engine, ...]:
    return (load_native(binaries.find("libpacking.so")), ReferenceEngine())


def list_recordings(places: Places) -> set[Path]:
    return set(places.recordings.glob("round-*.json"))


def expect_parity(recordings: set[Path], engines: tuple[Engine, ...]) -> None:
    for path in sorted(recordings):
        text = path.read_text(encoding="utf-8")
        recording = parse_recording(text)
        assert render_recording(recording) == text, path
        for engine in engines:
            assert not (difference := find_difference(recording, engine)), f"{path}\n{difference}"
