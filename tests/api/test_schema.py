from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from commonpool.api import reference
from commonpool.api.resource import Object
from commonpool.api.schema import KINDS, build_crd, main, render_files

ROOT = Path(__file__).parents[2]
SCALARS = {"string", "integer", "number", "boolean"}
# what Kubernetes itself bounds, or what the operator alone writes
UNBOUNDED = {"apiVersion", "kind", "metadata", "metadata.name", "status.kopf"}


def walk(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from walk(schema["additionalProperties"], f"{path}{{}}")


def schema_of(kind: type[Object]) -> dict[str, Any]:
    schema: dict[str, Any] = build_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


EVERY_FIELD = [
    pytest.param(kind, path, field, id=f"{kind.resource.kind}:{path}") for kind in KINDS for path, field in walk(schema_of(kind))
]


def test_the_committed_files_are_what_the_models_say() -> None:
    assert main(["--check", "--directory", str(ROOT / "crds")]) == 0


def test_the_committed_reference_is_what_the_models_say() -> None:
    assert reference.main(["--check", "--directory", str(ROOT / "docs/reference/api")]) == 0


def test_a_file_that_differs_is_told_with_the_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--directory", str(tmp_path)]) == 1
    assert "hint: run `make crds telemetry` and commit it" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    (tmp_path / "left-over.yaml").touch()
    assert main(["--check", "--directory", str(tmp_path)]) == 1
    assert "left-over.yaml" in capsys.readouterr().err
    assert main(["--directory", str(tmp_path)]) == 0
    assert main(["--check", "--directory", str(tmp_path)]) == 0


def test_the_same_models_give_the_same_bytes() -> None:
    assert render_files() == render_files()


@pytest.mark.parametrize(("kind", "path", "field"), EVERY_FIELD)
def test_every_field_has_a_type_a_description_and_a_bound(kind: type[Object], path: str, field: dict[str, Any]) -> None:
    del kind
    if path in UNBOUNDED:
        return
    assert "type" in field or field.get("x-kubernetes-int-or-string") or field.get("x-kubernetes-preserve-unknown-fields"), "no type"
    if not path.endswith(("[]", "{}")):
        assert field.get("description", "").endswith("."), "no sentence that describes it"
    match field.get("type"):
        case "string":
            assert "maxLength" in field or "enum" in field
        case "integer" | "number":
            assert {"minimum", "maximum"} <= field.keys()
        case "array":
            assert "maxItems" in field
        case "object" if "additionalProperties" in field and not field.get("x-kubernetes-preserve-unknown-fields"):
            assert "maxProperties" in field
        case _:
            pass


@pytest.mark.parametrize(("kind", "path", "field"), EVERY_FIELD)
def test_nothing_is_said_that_a_structural_schema_does_not_know(kind: type[Object], path: str, field: dict[str, Any]) -> None:
    del kind, path
    assert not {"$ref", "$defs", "title", "const", "allOf", "oneOf", "not"} & field.keys()
    assert "anyOf" not in field or field.get("x-kubernetes-int-or-string")
    assert not isinstance(field.get("additionalProperties"), bool)


@pytest.mark.parametrize(("kind", "path", "field"), EVERY_FIELD)
def test_every_rule_has_a_sentence_with_a_value_and_a_way_out(kind: type[Object], path: str, field: dict[str, Any]) -> None:
    del kind, path
    for rule in field.get("x-kubernetes-validations", ()):
        sentence = rule.get("message") or rule["messageExpression"]
        assert "`" in sentence
        assert ":" in sentence


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.resource.kind)
def test_every_kind_is_found_by_its_category_and_short_name(kind: type[Object]) -> None:
    names = build_crd(kind)["spec"]["names"]
    assert names["categories"] == ["commonpool"]
    assert names.get("shortNames", []) == {"GPUPool": ["gp"], "Tenant": ["gt"], "GPUQuota": ["gq"], "GPUWorkload": ["gw"]}.get(
        names["kind"], []
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.resource.kind)
def test_every_kind_but_the_round_has_a_status_with_conditions_and_a_place_for_kopf(kind: type[Object]) -> None:
    version = build_crd(kind)["spec"]["versions"][0]
    fields = dict(walk(version["schema"]["openAPIV3Schema"]))
    if kind.resource.kind == "Round":
        assert "subresources" not in version
        assert "status" not in fields
        return
    assert version["subresources"] == {"status": {}}
    assert fields["status.conditions"]["x-kubernetes-list-map-keys"] == ["type"]
    assert fields["status.kopf"]["x-kubernetes-preserve-unknown-fields"] is True
    assert "status.observedGeneration" in fields


def test_a_workload_tells_in_its_columns_why_it_waits() -> None:
    crd = yaml.safe_load(render_files()["gpuworkloads.yaml"])
    columns = crd["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column["name"] for column in columns if "priority" not in column] == [
        "Kind",
        "Pool",
        "Replicas",
        "State",
        "Waits-For",
        "ETA",
        "Age",
    ]
    assert [column["name"] for column in columns if "priority" in column] == ["Tenant", "Tier", "Accelerators", "Cost"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.resource.kind)
def test_every_column_shows_a_field_that_exists(kind: type[Object]) -> None:
    fields = dict(walk(schema_of(kind)))
    for column in build_crd(kind)["spec"]["versions"][0]["additionalPrinterColumns"]:
        path = column["jsonPath"].removeprefix(".").replace("[0]", "[]")
        if path.startswith("status.conditions["):
            path = "status.conditions[]." + path.rpartition(".")[2]
        assert path in fields or path == "metadata.creationTimestamp"
