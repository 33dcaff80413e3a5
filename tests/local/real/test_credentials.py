"""What the apiserver shows to kubelets."""

from itertools import count
from pathlib import Path

import pytest

from commonpool.local.credentials import write_private
from commonpool.local.places import Places
from commonpool.local.real import credentials
from commonpool.local.real.credentials import make_client_certificate

WHOLE = {"kubelet-ca.crt", "kubelet-client.crt", "kubelet-client.key"}


class KilledError(Exception):
    """In the place of a SIGKILL."""


@pytest.mark.parametrize("most", range(len(WHOLE)))
def test_an_up_that_was_killed_on_its_way_is_completed_by_the_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, most: int) -> None:
    places = Places(tmp_path / "it")
    places.make()
    written = count()

    def write(path: Path, text: str) -> None:
        if next(written) == most:
            raise KilledError
        write_private(path, text)

    with monkeypatch.context() as first:
        first.setattr(credentials, "write_private", write)
        with pytest.raises(KilledError):
            make_client_certificate(places)
    make_client_certificate(places)
    assert {path.name for path in places.pki.iterdir()} == WHOLE
