"""Who may log in to a local cluster: the ServiceAccount signing key, the token file, and the kubeconfigs."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commonpool.errors import SetupError
from commonpool.local.client import Client
from commonpool.local.places import Places

ADMIN = "admin"
KWOK = "kwok"
CONTROLLER_MANAGER = "system:kube-controller-manager"
_TEN_YEARS_SECONDS = 315_360_000


@dataclass(frozen=True, slots=True)
class User:
    """A name that may log in, and its groups."""

    name: str
    groups: tuple[str, ...] = ()


_SYSTEM_USERS = (
    User(ADMIN, ("system:masters",)),
    User(CONTROLLER_MANAGER),
    User(KWOK, ("system:masters",)),
)


def write_private(path: Path, text: str) -> None:
    """Replace a file that only its owner may read, at once and from the first byte."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def make_signing_key(places: Places) -> None:
    """Make the key that signs ServiceAccount tokens, once in a cluster's life."""
    private, public = places.pki / "sa.key", places.pki / "sa.pub"
    if private.exists() and public.exists():
        return
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - only `local` needs it
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - the same
    except ImportError as error:
        raise SetupError(
            "the Python package `cryptography` is missing", hint="install commonpool with its extra: `commonpool[local]`"
        ) from error
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = serialization.Encoding.PEM
    public_text = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    private_text = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    write_private(public, public_text.decode())
    write_private(private, private_text.decode())


def write_tokens(places: Places, users: Sequence[User]) -> dict[str, str]:
    """Write the apiserver's token file, keeping the tokens it had; returns user to token. The apiserver reads it at its start."""
    known = read_tokens(places)
    everybody = [*_SYSTEM_USERS, *users]
    tokens = {user.name: known.get(user.name) or secrets.token_urlsafe(32) for user in everybody}
    lines = [f'{tokens[user.name]},{user.name},{user.name},"{",".join(user.groups)}"\n' for user in everybody]
    write_private(places.tokens, "".join(lines))
    return tokens


def read_tokens(places: Places) -> dict[str, str]:
    """Read user to token; empty before the first start."""
    try:
        lines = places.tokens.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {user: token for token, user, *_ in (line.split(",") for line in lines)}


def write_kubeconfig(places: Places, path: Path, *, user: str, token: str, server: str) -> None:
    """Write a kubeconfig (JSON is YAML) for one user of this cluster."""
    cluster = f"commonpool-{places.name}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": server, "certificate-authority": str(places.pki / "apiserver.crt")}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user}}],
        "current-context": cluster,
    }
    write_private(path, json.dumps(config, indent=2) + "\n")


def request_token(client: Client, namespace: str, account: str) -> str:
    """Ask for a ServiceAccount's token; it lives as long as the account."""
    answer = client.request(
        "POST",
        f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": _TEN_YEARS_SECONDS}},
    )
    return str(answer["status"]["token"])
