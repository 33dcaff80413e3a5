"""The commonest mistakes in each kind, and what the apiserver must say to them.

`says` is a part of the sentence: the value that is wrong and the way out. Plain bounds are told by the apiserver in its own words.
"""

from dataclasses import dataclass

from tests.api.manifests import (
    ABSENT,
    Manifest,
    a_pool,
    a_quota,
    a_round,
    a_tenant,
    a_tracked,
    a_training,
    an_hpc,
    an_inference,
    edited,
    named,
)


@dataclass(frozen=True, slots=True)
class Mistake:
    name: str
    manifest: Manifest
    says: str


@dataclass(frozen=True, slots=True)
class Change:
    """An object that is fine, and what may not be made of it."""

    name: str
    before: Manifest
    after: Manifest
    says: str


_TEMPLATE = "training__template__spec__"
_CONTAINER = _TEMPLATE + "containers__0__"

POOL_MISTAKES = (
    Mistake(
        "a model that nobody knows, and no resource name",
        edited(a_pool(), model="Quantum-9000"),
        "model `Quantum-9000` is not in the catalogue, so nothing says how pods ask for it: set resourceName",
    ),
    Mistake(
        "two ways to ask for one accelerator",
        edited(a_pool(), resourceName="nvidia.com/gpu", deviceClassName="gpu.nvidia.com"),
        "resourceName `nvidia.com/gpu` and deviceClassName `gpu.nvidia.com` are two ways",
    ),
    Mistake("an empty node selector", edited(a_pool(), nodes={}), "an empty selector would take every node: name at least one label"),
    Mistake("empty labels as node selector", edited(a_pool(), nodes={"matchLabels": {}}), "an empty selector would take every node"),
    Mistake(
        "an operator without values",
        edited(a_pool(), nodes={"matchExpressions": [{"key": "gpu", "operator": "In"}]}),
        "operator `In` on label `gpu`: give it at least one entry in values",
    ),
    Mistake(
        "values where none belong",
        edited(a_pool(), nodes={"matchExpressions": [{"key": "gpu", "operator": "Exists", "values": ["h100"]}]}),
        "operator `Exists` on label `gpu`: leave values out",
    ),
    Mistake(
        "more nodes at least than at most",
        edited(a_pool(), scaling={"minNodes": 9, "maxNodes": 4}),
        "minNodes `9` is more than maxNodes `4`",
    ),
    Mistake("a topology level named twice", edited(a_pool(), topology=["rack", "block", "rack"]), "topology level `rack` is named twice"),
    Mistake(
        "a negative price",
        edited(a_pool(), price={"perHour": "-2.40", "currency": "EUR"}),
        "`-2.40` is not an amount of money: write a decimal",
    ),
    Mistake("a price that is not a string", edited(a_pool(), price={"perHour": 2.4, "currency": "EUR"}), "must be of type string"),
    Mistake(
        "a currency by its sign",
        edited(a_pool(), price={"perHour": "2.40", "currency": "€"}),
        "`€` is not a currency: write its three capital letters",
    ),
    Mistake(
        "memory that is no quantity", edited(a_pool(), memory="80 GB"), "`80 GB` is not a quantity that one can have: write it like 80Gi"
    ),
    Mistake("less memory than nothing", edited(a_pool(), memory="-80Gi"), "`-80Gi` is not a quantity"),
    Mistake("a speed in an unknown precision", edited(a_pool(), speed={"fp7": 1}), "speed of `fp7` is unknown: use one of fp64"),
    Mistake("a speed of nothing", edited(a_pool(), speed={"fp64": 0}), "should be greater than 0"),
    Mistake("open to an unknown group", edited(a_pool(), openTo="Everyone"), 'supported values: "All", "Quota"'),
    Mistake(
        "a provider of no version",
        edited(a_pool(), scaling={"maxNodes": 4, "provider": {"scale": {"apiVersion": "karpenter.sh", "kind": "NodePool", "name": "h"}}}),
        "`karpenter.sh` is no group and version: write it like karpenter.sh/v1",
    ),
    Mistake(
        "a provider by its plural",
        edited(a_pool(), scaling={"maxNodes": 4, "provider": {"scale": {"apiVersion": "v1", "kind": "nodepools", "name": "h"}}}),
        "`nodepools` is no kind: write it like NodePool",
    ),
    Mistake("a name too long for a label", named(a_pool(), "h" * 64), "use at most 63 letters"),
)

TENANT_MISTAKES = (
    Mistake(
        "a tenant that is its own parent",
        edited(a_tenant(), parent="vision"),
        "tenant `vision` cannot be its own parent: name another tenant",
    ),
    Mistake("a namespace twice", edited(a_tenant(), namespaces=["a", "b", "a"]), 'Duplicate value: "a"'),
    Mistake("the cluster's namespace", edited(a_tenant(), namespaces=["kube-system"]), "namespace `kube-system` belongs to the cluster"),
    Mistake("everybody's namespace", edited(a_tenant(), namespaces=["default"]), "namespace `default` belongs to the cluster"),
    Mistake(
        "the pool's own namespace",
        edited(a_tenant(), namespaces=["commonpool-system"]),
        "namespace `commonpool-system` belongs to the cluster",
    ),
    Mistake("no weight at all", edited(a_tenant(), weight=0), "should be greater than or equal to 1"),
    Mistake("a negative budget", edited(a_tenant(), budget={"amount": "-1", "currency": "EUR"}), "`-1` is not an amount of money"),
    Mistake("a budget in words", edited(a_tenant(), budget={"amount": "10,000", "currency": "EUR"}), "`10,000` is not an amount of money"),
    Mistake("a budget in an unknown currency", edited(a_tenant(), budget={"amount": "1", "currency": "euro"}), "`euro` is not a currency"),
    Mistake(
        "an unknown budget period", edited(a_tenant(), budget={"amount": "1", "currency": "EUR", "period": "Decade"}), "supported values: "
    ),
    Mistake(
        "a role above admin",
        edited(a_tenant(), members=[{"kind": "User", "name": "eve", "role": "cluster-admin"}]),
        'supported values: "admin", "edit", "view"',
    ),
    Mistake(
        "everybody as a member",
        edited(a_tenant(), members=[{"kind": "Group", "name": "system:authenticated"}]),
        "member `system:authenticated` is one of the cluster's own",
    ),
    Mistake(
        "a service account from nowhere",
        edited(a_tenant(), members=[{"kind": "ServiceAccount", "name": "ci"}]),
        "ServiceAccount `ci` lives in a namespace",
    ),
    Mistake(
        "a service account that no namespace could have",
        edited(a_tenant(), members=[{"kind": "ServiceAccount", "name": "日本語", "namespace": "a"}]),
        "ServiceAccount `日本語` is no name: use lower-case letters",
    ),
    Mistake(
        "a user in a namespace",
        edited(a_tenant(), members=[{"kind": "User", "name": "eve", "namespace": "a"}]),
        "User `eve` has no namespace: leave namespace out",
    ),
)

QUOTA_MISTAKES = (
    Mistake("more lent than guaranteed", edited(a_quota(), pools__0__lendable=33), "lendable `33` is more than guaranteed `32`"),
    Mistake("more guaranteed than allowed", edited(a_quota(), pools__0__guaranteed=65), "guaranteed `65` is more than limit `64`"),
    Mistake("more borrowed than allowed", edited(a_quota(), pools__0__borrowable=65), "borrowable `65` is more than limit `64`"),
    Mistake("a negative guarantee", edited(a_quota(), pools__0__guaranteed=-1), "should be greater than or equal to 0"),
    Mistake(
        "two lines for one pool",
        edited(a_quota(), pools=[{"pool": "h100"}, {"pool": "a100"}, {"pool": "h100"}]),
        "pool `h100` has two lines: make them one",
    ),
    Mistake(
        "one pool and several", edited(a_quota(), pools__0__pools=["a100"]), "a line is for pool `h100` or for several pools, not both"
    ),
    Mistake("a pool's name in capitals", edited(a_quota(), pools__0__pool="H100"), "`H100` is no name: use lower-case letters, digits"),
    Mistake("no pool at all", edited(a_quota(), pools__0__pool=ABSENT), "a line that names no pool counts nothing: set pool"),
    Mistake("no line at all", edited(a_quota(), pools=[]), "should have at least 1 items"),
    Mistake("a pool twice in one line", edited(a_quota(), pools=[{"pools": ["a100", "a100"]}]), 'Duplicate value: "a100"'),
    Mistake("a unit that nobody counts in", edited(a_quota(), pools__0__unit="dollars"), 'supported values: "accelerators", "reference"'),
    Mistake(
        "a second quota for the tenant", named(a_quota(), "vision-2"), "quota `vision-2` is for tenant `vision`: give both the same name"
    ),
)

WORKLOAD_MISTAKES = (
    Mistake(
        "nothing to run",
        edited(a_training(), training=ABSENT),
        "it says nothing to run: set exactly one of training, inference, hpc, tracked",
    ),
    Mistake(
        "training and hpc at once",
        edited(a_training(), hpc=an_hpc()["spec"]["hpc"]),
        "it asks to run several things, `training` `hpc`: set exactly one",
    ),
    Mistake(
        "tracked and inference at once",
        edited(an_inference(), tracked=a_tracked()["spec"]["tracked"]),
        "several things, `inference` `tracked`",
    ),
    Mistake("no accelerators", edited(a_training(), accelerators=ABSENT), "spec.accelerators: Required value"),
    Mistake("a replica without accelerators", edited(a_training(), accelerators__perReplica=0), "should be greater than or equal to 1"),
    Mistake(
        "a pool and a capability in one",
        edited(a_training(), accelerators__anyOf=[{"pool": "h100", "memory": "80Gi"}]),
        "pool `h100` already says which accelerator it is: leave out memory",
    ),
    Mistake(
        "a pool listed twice",
        edited(a_training(), accelerators__anyOf=[{"pool": "h100"}, {"memory": "80Gi"}, {"pool": "h100", "weight": 50}]),
        "`anyOf` lists a pool twice: keep one entry of each",
    ),
    Mistake(
        "a weight and nothing that it weighs",
        edited(a_training(), accelerators__anyOf=[{"weight": 150}]),
        "an empty entry of `anyOf` says nothing: name a pool or a capability",
    ),
    Mistake(
        "a preference that nobody knows",
        edited(a_training(), accelerators__prefer="Best"),
        'Unsupported value: "Best": supported values: "ListOrder", "Fastest", "Cheapest", "BestValue"',
    ),
    Mistake("a weight of nothing", edited(a_training(), accelerators__anyOf=[{"pool": "h100", "weight": 0}]), "greater than or equal to 1"),
    Mistake("patience without end", edited(a_training(), accelerators__waitSeconds=10**9), "should be less than or equal to 2592000"),
    Mistake("an empty choice", edited(a_training(), accelerators__anyOf=[{}]), "an empty entry of `anyOf` says nothing"),
    Mistake(
        "an unknown tier",
        edited(a_training(), tier="Gold"),
        'Unsupported value: "Gold": supported values: "Guaranteed", "Standard", "Spot"',
    ),
    Mistake("an empty placement", edited(a_training(), placement={}), "an empty `placement` says nothing: set required, preferred"),
    Mistake(
        "spread where all must be together",
        edited(a_training(), placement={"required": "rack", "spread": {"level": "rack"}}),
        "pods inside one `rack` cannot be spread over several",
    ),
    Mistake(
        "replicas that are no whole segments",
        edited(a_training(), placement={"segment": {"size": 4, "level": "rack"}}, training__replicas={"min": 6, "max": 6}),
        "use multiples of `4` for min, max and step",
    ),
    Mistake(
        "steps that are no whole segments",
        edited(a_training(), placement={"segment": {"size": 4, "level": "rack"}}, training__replicas={"min": 4, "max": 8, "step": 2}),
        "use multiples of `4` for min, max and step",
    ),
    Mistake(
        "nodes that are no whole segments",
        edited(an_hpc(), placement={"segment": {"size": 4, "level": "rack"}}, hpc__nodes=6),
        "nodes `6` are no whole segments: use a multiple of `4`",
    ),
    Mistake(
        "segments of what has no ranks",
        edited(an_inference(), placement={"segment": {"size": 2, "level": "rack"}}),
        "segments are made of ranks, which only training and hpc have",
    ),
    Mistake(
        "a spread that would grow uneven",
        edited(a_training(), placement={"spread": {"level": "rack"}}, training__replicas={"min": 2, "max": 4}),
        "does not stay evenly spread",
    ),
    Mistake(
        "a segment of one",
        edited(a_training(), placement={"segment": {"size": 1, "level": "rack"}}),
        "should be greater than or equal to 2",
    ),
    Mistake("a host name too long", named(a_training(), "p" * 53), "use at most 52 lower-case letters"),
    Mistake("a host name with a dot", named(a_training(), "pre.train"), "name `pre.train` becomes the host name of its pods"),
    Mistake(
        "fewer replicas at most than at least",
        edited(a_training(), training__replicas={"min": 4, "max": 2}),
        "max `2` is less than min `4`: lower min or raise max",
    ),
    Mistake(
        "steps that miss the most",
        edited(a_training(), training__replicas={"min": 4, "max": 9, "step": 2}),
        "one never comes to max `9`: use max `8`",
    ),
    Mistake("no replica", edited(a_training(), training__replicas={"min": 0, "max": 2}), "should be greater than or equal to 1"),
    Mistake("replicas in words", edited(a_training(), training__replicas="many"), "must be of type object"),
    Mistake(
        "checkpoints all the time",
        edited(a_training(), training__checkpoint={"intervalSeconds": 0}),
        "should be greater than or equal to 1",
    ),
    Mistake("no container", edited(a_training(), **{_TEMPLATE + "containers": []}), "should have at least 1 items"),
    Mistake("no containers field", edited(a_training(), **{_TEMPLATE + "containers": ABSENT}), "template.spec.containers: Required value"),
    Mistake("no template", edited(a_training(), training__template=ABSENT), "spec.training.template: Required value"),
    Mistake(
        "a scheduler of its own",
        edited(a_training(), **{_TEMPLATE + "schedulerName": "mine"}),
        "schedulerName `mine` would go around the pool: leave it out",
    ),
    Mistake(
        "a node of its own",
        edited(a_training(), **{_TEMPLATE + "nodeName": "gpu-1"}),
        "nodeName `gpu-1` would go around the pool: leave it out",
    ),
    Mistake(
        "a training that never ends",
        edited(a_training(), **{_TEMPLATE + "restartPolicy": "Always"}),
        "restartPolicy `Always` would start a finished pod again",
    ),
    Mistake(
        "accelerators asked twice, as limits",
        edited(a_training(), **{_CONTAINER + "resources__limits": {"nvidia.com/gpu": 8}}),
        "limits asks for accelerators, `nvidia.com/gpu`, a second time: leave them out",
    ),
    Mistake(
        "accelerators asked twice, as requests",
        edited(a_training(), **{_CONTAINER + "resources__requests": {"huawei.com/Ascend910": "8"}}),
        "requests asks for accelerators, `huawei.com/Ascend910`, a second time",
    ),
    Mistake(
        "cpu that is no quantity", edited(a_training(), **{_CONTAINER + "resources__requests": {"cpu": "four"}}), "`four` is not a quantity"
    ),
    Mistake(
        "a container twice",
        edited(a_training(), **{_TEMPLATE + "containers": [{"name": "a"}, {"name": "a"}]}),
        'Duplicate value: {"name":"a"}',
    ),
    Mistake(
        "a container without an image",
        edited(a_training(), **{_CONTAINER + "image": ABSENT}),
        "container `main` has no image: say in image",
    ),
    Mistake("an image of no letters", edited(an_hpc(), hpc__template__spec__containers__0__image=""), "container `main` has no image"),
    Mistake(
        "a container's name in words",
        edited(a_training(), **{_CONTAINER + "name": "My Trainer"}),
        "container name `My Trainer` is no host name: use lower-case letters, digits and dashes",
    ),
    Mistake(
        "fewer servers at most than at least",
        edited(an_inference(), inference__replicas={"min": 4, "max": 2}),
        "max `2` is less than min `4`",
    ),
    Mistake(
        "a replica that carries nothing",
        edited(an_inference(), inference__target={"metric": "requestsPerSecond", "perReplica": "0"}),
        "a replica that carries nothing is no measure: say in `perReplica` how much",
    ),
    Mistake("a port that does not exist", edited(an_inference(), inference__port=70000), "should be less than or equal to 65535"),
    Mistake("port nought", edited(an_inference(), inference__port=0), "should be greater than or equal to 1"),
    Mistake(
        "a service that ends",
        edited(an_inference(), inference__template__spec__restartPolicy="Never"),
        "restartPolicy `Never` does not fit a service",
    ),
    Mistake("no walltime", edited(an_hpc(), hpc__walltimeSeconds=ABSENT), "spec.hpc.walltimeSeconds: Required value"),
    Mistake("a walltime of nothing", edited(an_hpc(), hpc__walltimeSeconds=0), "should be greater than or equal to 1"),
    Mistake("no nodes", edited(an_hpc(), hpc__nodes=0), "should be greater than or equal to 1"),
    Mistake("an empty array", edited(an_hpc(), hpc__array={"count": 0}), "should be greater than or equal to 1"),
    Mistake(
        "a job after itself", edited(an_hpc(), hpc__after=["weather"]), "`weather` cannot start after itself: name other workloads in after"
    ),
    Mistake("an instant without a zone", edited(an_hpc(), hpc__startTime="2027-01-01"), "must be of type date-time"),
    Mistake(
        "an hpc job that never ends", edited(an_hpc(), hpc__template__spec__restartPolicy="Always"), "restartPolicy `Always` would start"
    ),
)

ROUND_MISTAKES = (
    Mistake("a part beyond the last", edited(a_round(), part=2), "part `2` of `1`: count parts from 1 to parts"),
    Mistake("a workload without a namespace", edited(a_round(), gangs__0__workload="pretrain"), "in body should match"),
    Mistake("a kind that has no pods", edited(a_round(), gangs__0__kind="Secret"), 'supported values: "Job"'),
    Mistake("a gang without nodes", edited(a_round(), gangs__0__nodes=""), "should be at least 3 chars long"),
    Mistake("a negative epoch", edited(a_round(), epoch=-1), "should be greater than or equal to 0"),
    Mistake("a gang of no tenant", edited(a_round(), gangs__0__tenant=ABSENT), "spec.gangs[0].tenant: Required value"),
    Mistake("a gang without a reason", edited(a_round(), gangs__0__why=ABSENT), "spec.gangs[0].why: Required value"),
)

MISTAKES = POOL_MISTAKES + TENANT_MISTAKES + QUOTA_MISTAKES + WORKLOAD_MISTAKES + ROUND_MISTAKES

CHANGES = (
    Change(
        "a quota for another tenant",
        edited(named(a_quota(), "nobody"), tenant="nobody"),
        edited(named(a_quota(), "nobody"), tenant="somebody"),
        "a quota keeps its tenant, here `nobody`: delete it and make one named `somebody`",
    ),
    Change(
        "a training that becomes an hpc job",
        a_training(),
        edited(a_training(), training=ABSENT, hpc=an_hpc()["spec"]["hpc"]),
        "what it runs cannot change from `training` to `hpc`: delete it and make a new one",
    ),
    Change(
        "a service on another port",
        an_inference(),
        edited(an_inference(), inference__port=9000),
        "port `8000` cannot become `9000`: its clients and the pods that serve know the old one",
    ),
    Change("another tracked object", a_tracked(), edited(a_tracked(), tracked__uid="1"), "`tracked` cannot change"),
)
