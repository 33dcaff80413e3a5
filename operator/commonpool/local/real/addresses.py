"""Who is where in the network of a cluster's real nodes.

That network is the cluster's alone and the machine does not see it, so every cluster has the same addresses.
"""

MOST_NODES = 8
"""With accelerators."""
PLAIN = MOST_NODES + 1
"""The number of the node without."""
FABRIC = "172.30.0.1"
"""Where nodes and pods find the apiserver and cluster DNS."""
PREFIX = 24
API_PORT = 6443
DNS_PORT = 53
READY_PORT = 8181
"""Of cluster DNS."""
KUBELET_PORT = 10250
POD_RANGES = "10.244.0.0/16"
EGRESS_SOCKET = "egress.sock"
"""The apiserver's door into it, below the cluster's folder, where all processes start: an absolute path may be too long for a socket."""
DOMAIN = "cluster.local"


def find_address(number: int) -> str:
    """The address of node 1 to `PLAIN`."""
    return f"172.30.0.{10 + number}"


def find_pod_range(number: int) -> str:
    """The addresses of its pods."""
    return f"10.244.{number}.0/24"


def build_routes(number: int = 0) -> list[str]:
    """`ip` commands that tell node `number` (0: the fabric) the way to the pods of all others, also of those that are not there yet."""
    return [f"route add {find_pod_range(other)} via {find_address(other)}" for other in range(1, PLAIN + 1) if other != number]
