"""commonpool.kube."""
