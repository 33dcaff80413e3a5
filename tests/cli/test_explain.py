import pytest

from commonpool.cli.explain import parse_workload
from commonpool.errors import UserError


@pytest.mark.parametrize(
    ("workload", "namespace", "found"),
    [
        ("pretrain", None, ("", "pretrain")),
        ("pretrain", "vision-dev", ("vision-dev", "pretrain")),
        ("vision-dev/pretrain", None, ("vision-dev", "pretrain")),
        ("vision-dev/pretrain", "vision-dev", ("vision-dev", "pretrain")),
    ],
)
def test_a_workload_is_named_alone_or_with_its_namespace(workload: str, namespace: str | None, found: tuple[str, str]) -> None:
    assert parse_workload(workload, namespace) == found


@pytest.mark.parametrize("workload", ["", "/pretrain", "vision-dev/", "a/vision-dev/pretrain"])
def test_what_is_no_name_is_refused(workload: str) -> None:
    with pytest.raises(UserError, match="is not the name of a workload"):
        parse_workload(workload, None)


def test_two_namespaces_are_one_too_many() -> None:
    with pytest.raises(UserError, match="`vision-dev/pretrain` is not in namespace `nlp-dev`"):
        parse_workload("vision-dev/pretrain", "nlp-dev")
