"""The same cycle over a world in memory or a recorded round.

It may not know Kubernetes, kopf or `commonpool.kube`: what it needs of a cluster is the
`Cluster` protocol of `commonpool.cycle`. It plans with the very planner and engine of the
live operator.
"""
