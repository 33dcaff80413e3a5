"""What every kind has: the model all others derive from, metadata, and how `kubectl` shows it."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from commonpool.api.rules import Rule
from commonpool.api.timestamp import Timestamp


class Model(BaseModel):
    """A part of a manifest: camelCase outside, unknown fields ignored, docstrings are the documentation of `kubectl explain`."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )
    rules: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        if cls.rules:
            handler.resolve_ref_schema(schema)["x-kubernetes-validations"] = [rule.build_validation() for rule in cls.rules]
        return schema

    def build_manifest(self) -> dict[str, Any]:
        """Give the JSON-ready dictionary that the apiserver takes; absent fields are left out."""
        return self.model_dump(by_alias=True, exclude_none=True)


class OwnerReference(Model):
    """Who owns an object; it goes when its owner goes."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class Metadata(Model):
    """The part of ObjectMeta that commonpool reads."""

    name: str = ""
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    generation: int | None = None
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`; the wide ones appear with `-o wide`."""

    name: str
    path: str
    description: str
    type: Literal["string", "integer", "date", "boolean"] = "string"
    wide: bool = False


AGE = Column("Age", ".metadata.creationTimestamp", "Time since it was created.", type="date")


@dataclass(frozen=True, slots=True)
class Resource:
    """How a kind is served: its names, scope and columns."""

    kind: str
    plural: str
    scope: Literal["Cluster", "Namespaced"]
    columns: tuple[Column, ...]
    short_names: tuple[str, ...] = ()
    has_status: bool = True

    @property
    def singular(self) -> str:
        """The word that `kubectl` takes for one of them."""
        return self.kind.lower()


class Object(Model):
    """The root of a manifest."""

    resource: ClassVar[Resource]

    api_version: Literal["commonpool.dev/v1alpha1"] = Field(default="commonpool.dev/v1alpha1")
    """The version of this schema: `commonpool.dev/v1alpha1`."""
    kind: str
    """The kind of this object."""
    metadata: Metadata = Field(default_factory=Metadata)
    """Name, namespace, labels and annotations."""
