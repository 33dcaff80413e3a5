"""From the mirror to the snapshot: every fact that a decision may look at, and nothing that it may not.

Pure: the mirror, the clock's reading and the epoch go in; nothing is written and nobody is asked.
"""

from commonpool.kube.read.world import World, read_world

__all__ = ["World", "read_world"]
