"""One generated manifest after another: number and seed say all of it, so that one that fails can be made again."""

import json
from dataclasses import dataclass, replace
from random import Random

import yaml
from tests.fuzz.agree import WAYS, agree
from tests.fuzz.draw import Drawer
from tests.fuzz.hostile import WHOLE
from tests.fuzz.schemas import API_VERSIONS, CLUSTER_KINDS, read_schemas
from tests.fuzz.spoil import SPOTS, spoil_at_a_spot
from tests.fuzz.words import Town, build_words

from commonpool.local.client import Manifest
from commonpool.model.names import API_VERSION

KINDS = {"GPUWorkload": 40, "GPUPool": 10, "Tenant": 10, "GPUQuota": 10, "Job": 12, "Pod": 8, "Deployment": 5, "StatefulSet": 5}
"""How often each comes, of a hundred."""
VALID = "as it should be"
SHARE_VALID = 0.4
NEIGHBOURS = 12
PREFIXES = {"GPUWorkload": "w", "GPUPool": "z", "Tenant": "t", "GPUQuota": "t"}
"""Of names. A pool gets the nodes that no pool before it by name has taken: those of generated ones come last, and no running pod
finds itself in another pool."""
PER_TENANT = 5
"""Of so many numbers the Tenants and the GPUQuotas have one name: often there are both, sometimes one too many."""


@dataclass(frozen=True, slots=True)
class Case:
    """A manifest and what becomes of it; `namespace` is empty for what has none."""

    seed: int
    number: int
    kind: str
    how: str
    namespace: str
    manifest: Manifest
    change: Manifest | None
    """A merge patch of the spec, sent when the manifest was accepted."""
    asks: int
    """Which of the people: the tenant of that index, or an administrator (-1)."""
    strict: bool
    """Whether unknown fields are refused, as kubectl asks for."""

    def render(self) -> str:
        """For people: what to run to have it again, and the manifest."""
        again = f"pytest tests/stories/test_generated.py --fuzz-seed {self.seed} --fuzz-from {self.number} --fuzz 1"
        head = f"# seed {self.seed}, number {self.number}, {self.how}: {again}"
        text = _render(self.manifest)
        if self.change is not None:
            text += f"# then patched with\n{_render(self.change)}"
        return f"{head}\n{text}"


def _render(manifest: Manifest) -> str:
    """YAML; JSON, which is YAML too, where it is nested deeper than its writer can follow."""
    try:
        text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=False, width=140)
    except RecursionError:
        text = json.dumps(manifest) + "\n"
    return text


def name_case(kind: str, number: int) -> str:
    """The plain name of the manifest of that number."""
    block = number // PER_TENANT if kind in {"Tenant", "GPUQuota"} else number
    return f"{PREFIXES.get(kind, kind[0].lower())}-{block}"


def build_case(seed: int, number: int, town: Town) -> Case:
    """The manifest of that number."""
    random = Random(f"{seed} {number}")  # noqa: S311 -- to be the same again is what is wanted
    kind = _choose_kind(random)
    others = tuple(name_case(kind, max(0, number - random.randint(1, NEIGHBOURS))) for _ in range(3))
    drawer = Drawer(random, build_words(replace(town, others=others)))
    manifest = _draw(drawer, kind, number)
    how = VALID
    if random.random() > SHARE_VALID:
        how = _spoil(manifest, random)
    change = {"spec": _draw(drawer, kind, number)["spec"]} if random.random() < 0.08 else None
    asks, namespace = -1, ""
    if kind not in CLUSTER_KINDS:
        asks = random.randrange(len(town.namespaces))
        namespace = town.namespaces[asks]
        if kind == "GPUWorkload" and random.random() < 0.03:
            asks, namespace = -1, town.nobody
    if random.random() < 0.03:
        asks = random.randrange(len(town.namespaces))
    return Case(seed, number, kind, how, namespace, manifest, change, asks, strict=random.random() < 0.5)


def _choose_kind(random: Random) -> str:
    return random.choices(tuple(KINDS), weights=tuple(KINDS.values()))[0]


def _draw(drawer: Drawer, kind: str, number: int) -> Manifest:
    random, schema = drawer.random, read_schemas()[kind]
    spec = drawer.draw(schema)
    if kind == "GPUWorkload" and not any(way in spec for way in WAYS):
        way = random.choice(WAYS)
        spec[way] = drawer.draw(schema["properties"][way], way, 1)
    version = API_VERSIONS.get(kind, API_VERSION)
    manifest: Manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": name_case(kind, number)}, "spec": spec}
    agree(manifest, random)
    return manifest


def _spoil(manifest: Manifest, random: Random) -> str:
    """Break it in one way, sometimes in two; returns what was done."""
    done = []
    for _ in range(1 if random.random() < 0.8 else 2):
        way = random.choice((*SPOTS, *WHOLE))
        schema = read_schemas().get(str(manifest.get("kind")))
        if way in SPOTS and schema is not None and "spec" in manifest:
            done += [way] if spoil_at_a_spot(manifest, schema, way, random) else []
        elif way in WHOLE and not done:
            WHOLE[way](manifest, random)
            done.append(way)
    return " and ".join(done) or VALID
