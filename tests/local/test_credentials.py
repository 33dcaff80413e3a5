import json
import stat
from pathlib import Path

import pytest

from commonpool.local.credentials import User, make_signing_key, read_tokens, write_kubeconfig, write_private, write_tokens
from commonpool.local.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path / "it")
    places.make()
    return places


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_may_read_keys_tokens_and_kubeconfigs(places: Places) -> None:
    make_signing_key(places)
    tokens = write_tokens(places, [User("alice", ("vision-team",))])
    write_kubeconfig(places, places.kubeconfig, user="admin", token=tokens["admin"], server="https://127.0.0.1:1")
    assert {_mode(path) for path in places.root.rglob("*") if path.is_file()} == {0o600}
    assert {_mode(path) for path in [places.root, *places.root.rglob("*")] if path.is_dir()} == {0o700}


def test_a_file_that_was_open_to_others_is_closed_when_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.touch(mode=0o644)
    write_private(file, "secret")
    assert _mode(file) == 0o600


def test_tokens_stay_the_same_over_restarts_and_users_come_and_go(places: Places) -> None:
    first = write_tokens(places, [User("alice", ("a", "b"))])
    second = write_tokens(places, [User("bob")])
    assert first["admin"] == second["admin"]
    assert "alice" not in second
    assert read_tokens(places) == second
    assert len(set(second.values())) == len(second)


def test_groups_stand_in_one_quoted_column(places: Places) -> None:
    write_tokens(places, [User("alice", ("a", "b"))])
    assert places.tokens.read_text().splitlines()[-1].endswith(',alice,alice,"a,b"')


def test_the_signing_key_is_made_once(places: Places) -> None:
    make_signing_key(places)
    before = (places.pki / "sa.key").read_bytes()
    make_signing_key(places)
    assert (places.pki / "sa.key").read_bytes() == before
    assert before.startswith(b"-----BEGIN RSA PRIVATE KEY-----")


def test_a_kubeconfig_names_one_cluster_and_one_user(places: Places) -> None:
    write_kubeconfig(places, places.kubeconfig, user="alice", token="t", server="https://127.0.0.1:1")  # noqa: S106
    config = json.loads(places.kubeconfig.read_text())
    assert config["users"] == [{"name": "alice", "user": {"token": "t"}}]
    assert config["clusters"][0]["cluster"]["certificate-authority"] == str(places.pki / "apiserver.crt")
