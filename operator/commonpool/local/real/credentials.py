"""Who may log in from the side of real nodes, and how the apiserver shows kubelets that it is the apiserver."""

import base64
import datetime as dt
import json

from commonpool.local.credentials import User, write_private
from commonpool.local.places import Places
from commonpool.local.real.addresses import API_PORT, FABRIC, PLAIN
from commonpool.local.real.group import name_node
from commonpool.local.real.rights import DNS_USER, PROXY_USER

_YEARS = 10


def node_user(number: int) -> str:
    """The kubelet's name, by which the apiserver knows what it may see."""
    return f"system:node:{name_node(number)}"


def list_users() -> tuple[User, ...]:
    """All who may be, so that more nodes need no other apiserver."""
    kubelets = (User(node_user(number), ("system:nodes",)) for number in range(1, PLAIN + 1))
    return (*kubelets, User(PROXY_USER), User(DNS_USER))


def build_kubeconfig(places: Places, user: str, token: str) -> str:
    """A kubeconfig for the network of real nodes; the apiserver's certificate is for its name there, not for the fabric's address."""
    authority = base64.b64encode((places.pki / "apiserver.crt").read_bytes()).decode("ascii")
    cluster = {"server": f"https://{FABRIC}:{API_PORT}", "tls-server-name": "kubernetes", "certificate-authority-data": authority}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": user}}],
        "current-context": "here",
    }
    return json.dumps(config, indent=2) + "\n"


def make_client_certificate(places: Places) -> None:
    """Make what the apiserver shows to kubelets (`kubectl logs`, `exec`), once in a cluster's life; kubelets trust its authority."""
    if (places.pki / "kubelet-client.crt").exists():
        return
    from cryptography import x509  # noqa: PLC0415 - only `local` needs it
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - the same
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - the same

    now = dt.datetime.now(dt.UTC)
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "commonpool local kubelet clients")])
    subject = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "system:masters"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "commonpool-apiserver"),
        ]
    )
    authority, client = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    private = client.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(places.pki / "kubelet-client.key", private.decode("ascii"))  # its certificate, the last, says that all is there
    for name, holder, key in (("kubelet-ca", issuer, authority), ("kubelet-client", subject, client)):
        certificate = (
            x509.CertificateBuilder()
            .issuer_name(issuer)
            .subject_name(holder)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=365 * _YEARS))
            .add_extension(x509.BasicConstraints(ca=holder is issuer, path_length=None), critical=True)
            .sign(authority, hashes.SHA256())
        )
        write_private(places.pki / f"{name}.crt", certificate.public_bytes(pem).decode("ascii"))
