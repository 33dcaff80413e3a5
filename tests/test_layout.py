"""What must not be there: `operator` is a source root, and a package of that name would replace Python's own module."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_source_root_is_no_package() -> None:
    assert [found.name for found in (ROOT / "operator").glob("*.py")] == []


def test_no_folder_of_tests_is_called_as_the_source_root() -> None:
    assert not (ROOT / "tests" / "operator").exists()


def test_what_the_pages_for_contributors_name_exists() -> None:
    """A row of the change map that leads nowhere is worse than none."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [line.rsplit("|", 2)[1] for line in page.splitlines() if line.startswith("| ") and "`" in line.rsplit("|", 2)[1]]
    named = [part for row in rows for part in row.split("`")[1::2] if "/" in part or part.endswith(".py")]
    assert len(named) > 10
    for name in named:
        found = any(any(root.glob(name.replace("<kind>", "*"))) for root in (ROOT, ROOT / "operator" / "commonpool"))
        assert found, f"`{name}` is named in CONTRIBUTING.md and is not there"
