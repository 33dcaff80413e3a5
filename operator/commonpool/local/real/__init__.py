"""Real nodes of the local cluster: kubelets that run what the pool places on them, on this very machine.

A node is a tree of processes in namespaces of its own (mounts, processes, network, cgroups), in a root folder made of Debian's packages.
The kernel takes all of it back when the node's first process ends, whatever ended it: no interface, mount or network namespace of the
machine itself is ever touched. What does stay behind is folders in the cluster's own folder, and empty cgroups, which carry the cluster's
mark in their name and go with the next `up` or `down`.
"""
