"""The API on a real apiserver: what is right is taken, and the commonest mistakes are refused at once, with what to change.

All but the changes of existing objects are dry runs: nothing is kept.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from tests.api.manifests import CORRECT, Manifest, a_round, a_tracked, a_training, an_inference, edited
from tests.api.mistakes import CHANGES, MISTAKES, Change, Mistake
from tests.fuzz.bounds import KINDS as BOUNDED
from tests.fuzz.bounds import break_each_bound, build_whole
from tests.fuzz.flood import NOT_FOR_PEOPLE
from tests.stories.cluster import eventually, kubectl
from tests.stories.people import OPERATOR, hear, try_create

from commonpool.api.resource import Object
from commonpool.api.schema import KINDS
from commonpool.local.client import Client
from commonpool.local.cluster import LocalCluster
from commonpool.model.names import API_VERSION

pytestmark = pytest.mark.story

EXAMPLES = sorted(file for file in (Path(__file__).parents[2] / "examples").rglob("*.yaml") if file.name != "kustomization.yaml")


@pytest.fixture(scope="module")
def admin(local_cluster: LocalCluster) -> Client:
    return local_cluster.client()


@pytest.fixture(scope="module")
def operator(local_cluster: LocalCluster) -> Client:
    return local_cluster.client().impersonate(OPERATOR)


def place_of(manifest: Manifest) -> str:
    resource = next((kind.resource for kind in KINDS if kind.resource.kind == manifest["kind"]), None)
    if resource is None:
        return "/apis/batch/v1/namespaces/default/jobs"
    return f"/apis/{API_VERSION}/{'namespaces/default/' if resource.scope == 'Namespaced' else ''}{resource.plural}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.resource.kind)
def test_a_kind_is_served_and_its_schema_is_structural(admin: Client, kind: type[Object]) -> None:
    crd = admin.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{kind.resource.plural}.commonpool.dev")
    conditions = {condition["type"]: condition["status"] for condition in crd["status"]["conditions"]}
    assert conditions["Established"] == "True"
    assert conditions.get("NonStructuralSchema", "False") == "False"


@pytest.mark.parametrize("build", CORRECT, ids=lambda build: build.__name__)
def test_what_is_right_is_taken(operator: Client, admin: Client, build: Callable[[], Manifest]) -> None:
    manifest = build()
    if build is a_round:
        manifest["spec"]["epoch"] = 1_000_000  # of no leader that was there before
    asks = operator if build is a_tracked else admin
    assert not hear(asks, "POST", place_of(manifest), manifest)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_an_example_is_taken_as_it_is(admin: Client, file: Path) -> None:
    for manifest in yaml.safe_load_all(file.read_text(encoding="utf-8")):
        manifest["metadata"].pop("namespace", None)  # the tenants' namespaces are not there
        manifest["metadata"]["name"] += "" if manifest["kind"] in {"GPUQuota", "Round"} else "-twin"
        assert hear(admin, "POST", place_of(manifest), manifest) in {"", already_there(manifest)}


def already_there(manifest: Manifest) -> str:
    return f'gpuquotas.commonpool.dev "{manifest["metadata"]["name"]}" already exists'


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_refused_with_what_to_change(admin: Client, mistake: Mistake) -> None:
    assert mistake.says in hear(admin, "POST", place_of(mistake.manifest), mistake.manifest)


@pytest.mark.parametrize("kind", BOUNDED)
def test_every_bound_of_every_field_is_told_by_the_fields_name(admin: Client, kind: str) -> None:
    whole = build_whole(kind)
    assert not hear(admin, "POST", place_of(whole), whole)
    broken = list(break_each_bound(kind))
    with ThreadPoolExecutor(8) as pool:
        refusals = list(pool.map(lambda each: hear(admin, "POST", place_of(each.manifest), each.manifest), broken))
    silent = {f"{each.field} {each.what}": said for each, said in zip(broken, refusals, strict=True) if not speaks_of(said, each.field)}
    assert len(broken) > 25
    assert not silent


def speaks_of(refusal: str, field: str) -> bool:
    return field in refusal and not any(word in refusal.lower() for word in NOT_FOR_PEOPLE)


@pytest.fixture
def kept(admin: Client, operator: Client, change: Change) -> Iterator[Manifest]:
    place = place_of(change.before)
    yield (
        operator.request("POST", place, change.before)
        if "tracked" in change.before["spec"]
        else admin.request("POST", place, change.before)
    )
    admin.delete(f"{place}/{change.before['metadata']['name']}")


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_what_cannot_change_says_so(admin: Client, change: Change, kept: Manifest) -> None:
    path = f"{place_of(kept)}/{kept['metadata']['name']}"
    patch = {"spec": {**dict.fromkeys(change.before["spec"]), **change.after["spec"]}}
    assert change.says in hear(admin, "PATCH", path, patch)


@pytest.mark.parametrize(("manifest", "way"), [(a_training(), "training"), (an_inference(), "inference")])
def test_a_plain_number_of_replicas_is_written_out(admin: Client, manifest: Manifest, way: str) -> None:
    short = edited(manifest, **{f"{way}__replicas": 3})
    eventually(lambda: not hear(admin, "POST", place_of(short), short))  # a policy acts a moment after it was installed
    replicas = try_create(admin, place_of(short), short)["spec"][way]["replicas"]
    assert (replicas["min"], replicas["max"]) == (3, 3)
    assert "should be greater than or equal to 1" in hear(admin, "POST", place_of(short), edited(manifest, **{f"{way}__replicas": 0}))


def test_explain_reads_like_documentation(local_cluster: LocalCluster) -> None:
    said = " ".join(kubectl(local_cluster, "explain", "gpuworkload.spec.training.replicas").split())
    assert "Replicas that must start together; with fewer it waits." in said
    assert "<no description>" not in kubectl(local_cluster, "explain", "gpuworkload", "--recursive")


def test_the_kinds_are_found_by_their_short_names_and_together(local_cluster: LocalCluster) -> None:
    for short in ("gp", "gt", "gq", "gw", "rounds", "commonpool"):
        kubectl(local_cluster, "get", short)
