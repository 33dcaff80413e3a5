"""Pod templates: typed where commonpool reads or bounds them, kept as they are elsewhere."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from commonpool.api.catalogue import RESOURCE_NAMES
from commonpool.api.names import LABEL_PATTERN, Subdomain
from commonpool.api.quantity import Quantity
from commonpool.api.resource import Model
from commonpool.api.rules import ATOMIC, PRESERVED, Rule, keyed, render_list
from commonpool.model.names import SCHEDULER_NAME

Amounts = Annotated[dict[str, Quantity], Field(max_length=16)]
Loose = Annotated[dict[str, Any], PRESERVED]

_NAMES = render_list(RESOURCE_NAMES)


class Partial(Model):
    """An object of Kubernetes of which only a part is typed; the rest is kept."""

    model_config = ConfigDict(extra="allow")


def _never_accelerators(field: str) -> Rule:
    """Build the rule that the amounts in this field of a container name no accelerator."""
    return Rule(
        f"!has(self.{field}) || !self.{field}.exists(name, name in {_NAMES})",
        says=f"'{field} asks for accelerators, `' + self.{field}.filter(name, name in {_NAMES})[0]"
        " + '`, a second time: leave them out, spec.accelerators.perReplica adds them to the first container'",
    )


class Resources(Partial):
    """CPU and memory of a container. Accelerators are added from spec.accelerators."""

    rules: ClassVar[tuple[Rule, ...]] = (_never_accelerators("limits"), _never_accelerators("requests"))

    requests: Amounts | None = None
    """What the container is given at least, e.g. cpu: 8, memory: 64Gi."""
    limits: Amounts | None = None
    """What the container may use at most."""


class Container(Partial):
    """A container, as in a pod."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"self.name.matches('{LABEL_PATTERN}')",
            says="'container name `' + self.name + '` is no host name: use lower-case letters, digits and dashes'",
            field=".name",
        ),
        Rule(
            "has(self.image) && self.image != ''",
            says="'container `' + self.name + '` has no image: say in image what it runs'",
        ),
    )

    name: Annotated[str, Field(min_length=1, max_length=63)]
    """Its name, unique in the pod."""
    image: Annotated[str, Field(max_length=1024)] | None = None
    """Its image."""
    command: Annotated[list[Annotated[str, Field(max_length=65_536)]], Field(max_length=256), ATOMIC] | None = None
    """What is started, in place of the image's entrypoint."""
    args: Annotated[list[Annotated[str, Field(max_length=65_536)]], Field(max_length=1024), ATOMIC] | None = None
    """Arguments of the command."""
    resources: Resources | None = None
    """CPU and memory. Accelerators are added to the first container from spec.accelerators."""


class Toleration(Partial):
    """A taint that the pods tolerate, as in a pod."""

    key: Annotated[str, Field(max_length=317)] | None = None
    """The taint's key; absent with operator Exists: every taint."""
    operator: Annotated[str, Field(max_length=16)] | None = None
    """Exists or Equal."""
    value: Annotated[str, Field(max_length=63)] | None = None
    """The taint's value, for Equal."""
    effect: Annotated[str, Field(max_length=32)] | None = None
    """NoSchedule, PreferNoSchedule or NoExecute; absent: all of them."""


class PodSpec(Partial):
    """What the pods are, as in any pod template; fields that are not shown here are kept as well."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"!has(self.schedulerName) || self.schedulerName in ['', '{SCHEDULER_NAME}']",
            says="'schedulerName `' + self.schedulerName + '` would go around the pool: leave it out'",
            field=".schedulerName",
        ),
        Rule(
            "!has(self.nodeName) || self.nodeName == ''",
            says="'nodeName `' + self.nodeName + '` would go around the pool: leave it out, and use nodeSelector if it must be that node'",
            field=".nodeName",
        ),
    )

    containers: Annotated[list[Container], Field(min_length=1, max_length=32), keyed("name")]
    """The containers of a pod. The first one gets the accelerators."""
    init_containers: Annotated[list[Container], Field(max_length=32), keyed("name")] | None = None
    """Containers that run before the others."""
    restart_policy: Literal["Always", "OnFailure", "Never"] | None = None
    """What happens when a container ends. Training and hpc: Never (the default) or OnFailure; inference: Always."""
    scheduler_name: Annotated[str, Field(max_length=253)] | None = None
    """Leave it out: the pool's scheduler places the pods."""
    node_name: Annotated[str, Field(max_length=253)] | None = None
    """Leave it out: the pool chooses the nodes."""
    node_selector: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=32)] | None = None
    """Labels that a node must carry, besides those of the pool."""
    tolerations: Annotated[list[Toleration], Field(max_length=64), ATOMIC] | None = None
    """Taints that the pods tolerate; that of the pool is added."""
    affinity: Loose | None = None
    """Only preferred: a workload that requires affinity does not start. Use nodeSelector for nodes and spec.placement for nearness."""
    service_account_name: Subdomain | None = None
    """The ServiceAccount that the pods run as."""
    volumes: Annotated[list[Loose], Field(max_length=128), ATOMIC] | None = None
    """The pods' volumes."""
    termination_grace_period_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """Seconds between the request to stop and the end by force. With 0 a pod would be gone before its containers are."""


class TemplateMetadata(Partial):
    """Labels and annotations of the pods."""

    labels: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=64)] | None = None
    """The pods' labels."""
    annotations: Annotated[dict[str, Annotated[str, Field(max_length=262_144)]], Field(max_length=64)] | None = None
    """The pods' annotations."""


class PodTemplate(Partial):
    """A pod template, as in a Job or a Deployment."""

    metadata: TemplateMetadata | None = None
    """Labels and annotations of the pods."""
    spec: PodSpec
    """What the pods are."""


RUNS_TO_THE_END = Rule(
    "!has(self.template.spec.restartPolicy) || self.template.spec.restartPolicy != 'Always'",
    message="restartPolicy `Always` would start a finished pod again and the job would never end: use Never or OnFailure, or leave it out",
)
"""For the templates of jobs."""

RUNS_FOR_EVER = Rule(
    "!has(self.template.spec.restartPolicy) || self.template.spec.restartPolicy == 'Always'",
    says="'restartPolicy `' + self.template.spec.restartPolicy + '` does not fit a service that must stay up: leave it out'",
)
"""For the templates of services."""
