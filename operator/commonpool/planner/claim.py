"""The fourth stage: who finds no room although a guarantee covers it is served from what comes back.

First from what is on its way anyway, then by asking others (`reclaim`). What serves a claim is set aside
for it until it starts, so it is asked for once.
"""

from collections.abc import Sequence

from commonpool.model.ids import PoolName, TenantName, WorkloadName
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Workload
from commonpool.planner.outlook import Question
from commonpool.planner.place import Draft
from commonpool.planner.reclaim import Reclaim


class Claims:
    """The claims of a round, in their turn."""

    def __init__(self, draft: Draft, reclaim: Reclaim) -> None:
        self._draft = draft
        self._reclaim = reclaim
        self.served: dict[WorkloadName, tuple[Reason, PoolName]] = {}
        """What each waits for, and where."""
        self.failed: dict[WorkloadName, list[tuple[Question, TenantName]]] = {}
        """What could not be served although a guarantee covers it, and whose: who is placed after that may turn out to borrow."""

    def serve(self, workload: Workload, tenant: TenantName, pools: Sequence[PoolName], pods: int) -> bool:
        """Set room aside for so many pods, if the tenant's guarantee covers them and the room can come; says whether."""
        guarantors = {pool: guarantor for pool in pools if (guarantor := self._draft.find_guarantor(workload, pool, pods)) is not None}
        claims = [Question(workload, tenant, pool, pods) for pool in guarantors]
        for claim in claims:
            if self._await_coming(claim):
                self._draft.claimed.add((guarantors[claim.pool], claim.pool))
                return True
        for evict in (False, True):
            for claim in claims:
                nodes = self._reclaim.serve(claim, guarantors[claim.pool], evict=evict)
                if nodes:
                    self._set_aside(claim, nodes, Reason.WAITS_FOR_RECLAIM)
                    self._draft.claimed.add((guarantors[claim.pool], claim.pool))
                    return True
        if claims:
            self.failed[workload.name] = [(claim, guarantors[claim.pool]) for claim in claims]
        return False

    def find_wait(self, workload: Workload) -> tuple[int, PoolName] | None:
        """When and where a claim that failed could be served because minimum run times are over; None if never for that."""
        waits = [
            (at, claim.pool)
            for claim, guarantor in self.failed.get(workload.name, ())
            if (at := self._reclaim.find_free_at(claim, guarantor)) is not None
        ]
        return min(waits, default=None)

    def _await_coming(self, claim: Question) -> bool:
        outlook = self._draft.outlook
        if not outlook.differs:
            return False
        nodes = outlook.fit(claim)
        if nodes:
            self._set_aside(claim, nodes, Reason.WAITS_FOR_RECLAIM)
            return True
        booting = outlook.booting.get(claim.pool, 0)
        nodes = outlook.fit(claim, booting) if booting else ()
        if nodes:
            self._set_aside(claim, nodes, Reason.WAITS_FOR_NODES)
        return bool(nodes)

    def _set_aside(self, claim: Question, nodes: Sequence[int], reason: Reason) -> None:
        self.served[claim.workload.name] = (reason, claim.pool)
        self._draft.outlook.differs = True
        for index in sorted(set(nodes)):
            if index < len(self._draft.room):
                self._draft.set_aside(index)
