"""Work that rather waits for a pool that it likes than to start in another one: for how long, its owner says.

Until that is over it may go only to the best of its pools, and to those as good as that. Which is the best, only pools count for that could
ever take it: nobody waits for one that is too small for him, or where his quota could never let him in.

Slurm has it for switches (`--switches=COUNT@MAX-TIME`), and TetriSched (EuroSys'16) shows for unlike hardware what waiting for
the better kind is worth; there the scheduler reckons with run times, here the owner says what it is worth to him.
"""

from dataclasses import replace

from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Snapshot, Workload
from commonpool.planner.candidates import Candidates
from commonpool.planner.layout import least
from commonpool.planner.place import GUARANTEED, Draft
from commonpool.planner.quota import Quota
from commonpool.planner.size import EmptyPool


class Patience:
    """Leaves out the pools for which it is too early."""

    def __init__(self, snapshot: Snapshot, draft: Draft, sizes: EmptyPool) -> None:
        self._snapshot = snapshot
        self._sizes = sizes
        self._tree = draft.tree
        self._bare: Quota | None = None

    def narrow(self, workload: Workload, candidates: Candidates) -> Candidates:
        """The pools to which it may go now; the others that could take it are named as those for later."""
        if workload.begun or self._snapshot.now_at >= workload.patient_until_at or not workload.needs:
            return candidates
        able = [each for each in zip(candidates.pools, candidates.grades, strict=True) if self._could_start(workload, each[0])]
        if not able:
            return candidates
        best = able[0][1]
        later = tuple(pool for pool, grade in able if grade != best)
        now = tuple(pool for pool, grade in able if grade == best)
        return replace(candidates, pools=now, grades=(best,) * len(now), later=later) if later else candidates

    def _could_start(self, workload: Workload, pool: PoolName) -> bool:
        """Whether it would if nothing else ran."""
        pods, each = least(workload), workload.shape.gpu_milli
        if workload.tenant is None or not self._sizes.could_hold(workload, pool, pods):
            return False
        if self._bare is None:
            self._bare = Quota(self._tree, self._snapshot.quotas)
        limits = self._bare.measure_limits(workload.tenant, pool, each, pods)
        inside = self._bare.measure_guarantee(workload.tenant, pool, each, pods) if workload.tier == GUARANTEED else limits
        return min(limits.pods, inside.pods) >= pods
