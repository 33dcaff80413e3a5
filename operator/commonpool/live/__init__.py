"""The operator process: kopf for our own kinds, the loop, the Lease, metrics and health.

The only code that imports kopf, and with `local` and `cli` the only code that looks
at a clock. It decides nothing: `planner` does, on what `kube` has read.
"""
