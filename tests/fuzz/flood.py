"""Sends generated manifests to a real cluster by the hundred, and looks at what became of each."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.fuzz.cases import Case, build_case
from tests.fuzz.schemas import CLUSTER_KINDS, PLAIN_KINDS
from tests.fuzz.words import ACCELERATORS, Town

from commonpool.errors import ClusterError
from commonpool.local.client import Client, Manifest, RefusedError
from commonpool.model.reasons import Reason

OURS = "/apis/commonpool.dev/v1alpha1"
PATHS = {
    "GPUPool": f"{OURS}/gpupools",
    "Tenant": f"{OURS}/tenants",
    "GPUQuota": f"{OURS}/gpuquotas",
    "GPUWorkload": OURS + "/namespaces/{}/gpuworkloads",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "ReplicaSet": "/apis/apps/v1/namespaces/{}/replicasets",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Service": "/api/v1/namespaces/{}/services",
}
SWEPT = ("GPUWorkload", "Job", "Deployment", "StatefulSet", "Pod")
LEFT = (*SWEPT, "ReplicaSet", "Service")
"""Kinds of which nothing may be left in a namespace."""
NOT_FOR_PEOPLE = (
    "internal error",
    "panic",
    "no such key",
    "resulted in error",
    "failed rule",
    "failed expression",
    "runtime error",
    "nil pointer",
    "etcdserver",
    "exceeds budget",
    "cost limit",
)
"""In a refusal: the machine speaks of itself."""
KNOWN = frozenset(str(reason) for reason in Reason)
UNTRACKED = "nothing tracks it"
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """What the apiserver said to one manifest; `stored` if it was accepted."""

    case: Case
    path: str
    status: int
    says: str
    stored: Manifest = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        return bool(self.stored)

    @property
    def itself(self) -> str:
        """Where it is now."""
        return f"{self.path}/{self.stored['metadata']['name']}"

    @property
    def is_tracked(self) -> bool:
        """Whether it is a plain object of a tenant that asks for an accelerator."""
        return self.case.kind in PLAIN_KINDS and _asks(self.stored)

    @property
    def is_owned(self) -> bool:
        """By something that is not there: it goes by itself, before or after anybody has looked."""
        return bool(self.stored["metadata"].get("ownerReferences"))

    def render(self, why: str) -> str:
        return f"{why}: {self.status} {self.says}\n{self.case.render()}"


@dataclass(frozen=True, slots=True)
class Flood:
    """Who asks, and in which namespaces; the last of the people is an administrator."""

    people: tuple[Client, ...]
    town: Town

    @property
    def admin(self) -> Client:
        return self.people[-1]

    @property
    def namespaces(self) -> tuple[str, ...]:
        return (*self.town.namespaces, self.town.nobody)

    def send(self, seed: int, numbers: Iterable[int]) -> list[Answer]:
        """Make the manifests of these numbers and send them, many at once; first answers, then what was said to the changes."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            cases = [build_case(seed, number, self.town) for number in numbers]
            answers = list(pool.map(self._send, cases))
            changed = list(pool.map(self._change, [answer for answer in answers if answer.accepted and answer.case.change is not None]))
        return answers + changed

    def _send(self, case: Case) -> Answer:
        path = PATHS[case.kind].format(case.namespace)
        query = {"fieldValidation": "Strict"} if case.strict else {}
        return self._ask(case, path, "POST", path, case.manifest, query)

    def _change(self, answer: Answer) -> Answer:
        return self._ask(answer.case, answer.path, "PATCH", answer.itself, answer.case.change or {}, {})

    def _ask(self, case: Case, path: str, method: str, url: str, body: Manifest, query: Mapping[str, str], *, tries: int = 2) -> Answer:
        """The same again if there is no answer: a machine that does many things at once lets some connections fall."""
        try:
            return Answer(case, path, 200, "", self.people[case.asks].request(method, url, body, query=query))
        except RefusedError as error:
            return Answer(case, path, error.status, str(error))
        except ClusterError as error:
            return self._ask(case, path, method, url, body, query, tries=tries - 1) if tries else Answer(case, path, 0, str(error))

    def _is_over(self, answer: Answer) -> bool:
        """Whether the object has ended, or has gone as it had asked for: what is over is not taken in any more."""
        found = self.admin.find(answer.itself)
        if found is None or found["metadata"]["uid"] != answer.stored["metadata"]["uid"]:
            return "ttlSecondsAfterFinished" in answer.stored["spec"]
        return any(each["type"] in {"Complete", "Failed"} for each in found.get("status", {}).get("conditions", ()))

    def find_unexplained(self, answers: Iterable[Answer]) -> list[str]:
        """Of the accepted objects that there are: those about which nothing, nothing new, or nothing intelligible is said."""
        ours: dict[str, Manifest] = {}
        for kind in CLUSTER_KINDS:
            ours |= _by_uid(self.admin.get(PATHS[kind])["items"])
        workloads = self.admin.get(f"{OURS}/gpuworkloads")["items"]
        ours |= _by_uid(workloads)
        tracking = {each["spec"]["tracked"]["uid"]: each for each in workloads if "tracked" in each["spec"]}
        silent = [(answer, why) for answer in answers if answer.accepted and (why := _find_silence(answer, ours, tracking))]
        return [answer.render(why) for answer, why in silent if why != UNTRACKED or not self._is_over(answer)]

    def clear(self, answers: Iterable[Answer]) -> None:
        """Delete everything, and take off the finalizers that the generated manifests had brought."""
        collections = [PATHS[kind].format(namespace) for namespace in self.namespaces for kind in SWEPT]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._sweep, collections))
            list(pool.map(self._delete, {answer.itself: answer for answer in answers if answer.accepted}.values()))

    def _sweep(self, collection: str) -> None:
        """Until it is done: the apiserver deletes one after another, and a busy machine does not answer in time."""
        query = {"propagationPolicy": "Background", "gracePeriodSeconds": "0"}
        for tries_left in reversed(range(5)):
            try:
                self.admin.request("DELETE", collection, query=query)
            except RefusedError:
                raise
            except ClusterError:
                if not tries_left:
                    raise
            else:
                return

    def _delete(self, answer: Answer) -> None:
        if answer.case.kind in CLUSTER_KINDS:
            self.admin.delete(answer.itself)
        if answer.stored["metadata"].get("finalizers"):
            try:
                self.admin.request("PATCH", answer.itself, {"metadata": {"finalizers": None}})
            except RefusedError as error:
                if error.status != 404:
                    raise

    def find_left(self, answers: Iterable[Answer]) -> list[str]:
        """What is there still of the manifests and of what was made for them."""
        left = [path for namespace in self.namespaces for kind in LEFT for path in self._list(PATHS[kind].format(namespace))]
        there = {path for kind in CLUSTER_KINDS for path in self._list(PATHS[kind])}
        left += [answer.itself for answer in answers if answer.accepted and answer.itself in there]
        return left + self._list(f"{OURS}/rounds") + [f"label of {name}" for name in self._find_labelled()]

    def _list(self, path: str) -> list[str]:
        return [f"{path}/{item['metadata']['name']}" for item in self.admin.get(path)["items"]]

    def _find_labelled(self) -> Iterator[str]:
        for name in self.town.spare:
            found = self.admin.find(f"/api/v1/namespaces/{name}")
            if found is not None and "commonpool.dev/tenant" in found["metadata"].get("labels", {}):
                yield name


def find_bad_refusals(answers: Iterable[Answer]) -> list[str]:
    """Those that were not accepted and not refused as they should be: by a 4xx, with a sentence for people."""
    bad = []
    for answer in answers:
        if answer.accepted:
            continue
        machine = [word for word in NOT_FOR_PEOPLE if word in answer.says.lower()]
        if not 400 <= answer.status < 500 or not answer.says or machine:
            bad.append(answer.render("not refused as it should be"))
    return bad


def _by_uid(items: Iterable[Manifest]) -> dict[str, Manifest]:
    return {item["metadata"]["uid"]: item for item in items}


def _asks(stored: Manifest) -> bool:
    spec = stored["spec"] if stored["kind"] == "Pod" else stored["spec"]["template"]["spec"]
    containers = [*spec.get("containers", ()), *(spec.get("initContainers") or ())]
    limits = [((container.get("resources") or {}).get("limits") or {}) for container in containers]
    return any(each.get(name, "0") != "0" for each in limits for name in ACCELERATORS)


def _find_silence(answer: Answer, ours: Mapping[str, Manifest], tracking: Mapping[str, Manifest]) -> str:
    """Why the object counts as unexplained; empty if it does not."""
    uid = answer.stored["metadata"]["uid"]
    if answer.case.kind in PLAIN_KINDS:
        if not answer.is_tracked or answer.is_owned:
            return ""
        found = tracking.get(uid)
        return UNTRACKED if found is None else _find_gap(found)
    found = ours.get(uid)
    if found is None:
        return "" if answer.is_owned else "it has gone"
    return _find_gap(found)


def _find_gap(found: Manifest) -> str:
    if "deletionTimestamp" in found["metadata"]:
        return ""
    status = found.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    spoken = "Succeeded" if found["kind"] == "GPUWorkload" else "Ready"
    if spoken not in conditions:
        return f"it has no condition {spoken}"
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        return f"what is said is about generation {status.get('observedGeneration')}"
    for condition in conditions.values():
        if condition["reason"] not in KNOWN or not condition["message"]:
            return f"condition {condition['type']} says `{condition['reason']}`: `{condition['message']}`"
    silent = conditions[spoken]["reason"] == Reason.QUEUED and "wait" not in status
    return "it is queued, and nothing says why" if silent else ""
