"""The local control plane: a real Kubernetes API as plain processes of this user, without containers and (but for real nodes) without root.

Starts and stops processes, builds their binaries, installs the chart and makes fake nodes. Decides nothing about the pool, prints nothing
(it tells a `Teller`), and never touches `~/.kube/config`.
"""
