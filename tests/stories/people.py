"""Who asks, and how: the same apiserver seen by a tenant's member, a controller, the operator, an admin."""

from commonpool.local.client import Client, Manifest, RefusedError

OPERATOR = "system:serviceaccount:commonpool-system:commonpool-operator"
DRY = {"dryRun": "All"}


def try_create(person: Client, path: str, body: Manifest) -> Manifest:
    """Create without keeping it: what would have been stored."""
    return person.request("POST", path, body, query=DRY)


def hear(person: Client, method: str, path: str, body: Manifest | None = None) -> str:
    """Ask for something without keeping it, and return what the refusal says; empty if it passes."""
    try:
        person.request(method, path, body, query=DRY)
    except RefusedError as error:
        return str(error)
    return ""
