"""The contributors' guide is complete: the Makefile's targets, and each list of steps that adds something.

A list is checked against everything of its kind: what it names exists for each of them and names each of them, and no
source that names them all is missing from it.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache

import click
import pytest
from project import ROOT, tracked_files

from belay.database.kinds import KINDS
from cli.commands import COMMANDS, loaded, place_of

GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
LAYER = ROOT / "layers" / "belay" / "belay"
BRIDGES = ROOT / "local" / "bridges"
RULES = LAYER / "policy" / "rules"

Names = dict[str, str]
"""The values of a list's placeholders for one thing: ``{"name": "ssh-open", "module": "ssh_open"}``.

``known_as`` is the name in code of a thing whose name other things share.
"""


def policies() -> Iterator[Names]:
    for path in sorted(RULES.glob("*/[a-z]*.py")):
        yield {"subject": path.parent.name, "module": path.stem, "name": path.stem.replace("_", "-")}


def bridges() -> Iterator[Names]:
    for path in sorted(BRIDGES.glob("[a-z]*.py")):
        if (ast.get_docstring(ast.parse(path.read_text())) or "").startswith("Gap: "):
            yield {"name": path.stem}


def stage_checks() -> Iterator[Names]:
    for path in sorted((LAYER / "control" / "checks").glob("[a-z]*.py")):
        yield {"name": path.stem, "known_as": "".join(word.capitalize() for word in path.stem.split("_")) + "Check"}


def kinds_of_database() -> Iterator[Names]:
    for name in KINDS:
        yield {"name": name, "known_as": name.upper()}


def commands() -> Iterator[Names]:
    """Those that print JSON."""
    for words in COMMANDS:
        if any(each.name == "output" and isinstance(each.type, click.Choice) for each in loaded(words).params):
            file, name = "-".join(words), " ".join(words)
            yield {"name": name, "file": file, "module": place_of(words)[0].removeprefix("cli.").replace(".", "/")}


THINGS = {
    "command": list(commands()),
    "policy": list(policies()),
    "stage check": list(stage_checks()),
    "kind of database": list(kinds_of_database()),
    "bridge": list(bridges()),
}
CASES = [pytest.param(kind, names, id=f"{kind}-{names['name']}") for kind, each in THINGS.items() for names in each]


def steps(kind: str) -> list[str]:
    """The steps of the list that adds something, in order, each with the lines that belong to it."""
    heading = re.search(rf"^## How to add a {kind}\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    assert heading is not None, f"CONTRIBUTING.md does not say how to add a {kind}"
    return re.split(r"^\d+\. ", heading[1], flags=re.MULTILINE)[1:]


def listed(kind: str, names: Names) -> list[str]:
    """The paths that the list names, for one thing; those about another subject are left out."""
    lines = [line for step in steps(kind) for line in re.split(r"\n   - ", step)]
    subjects = {each.get("subject") for each in THINGS[kind]} - {None}
    about = [
        line
        for line in lines
        if not (found := re.match(r"`(\w+)`: ", line)) or found[1] not in subjects or found[1] == names.get("subject")
    ]
    paths = re.findall(r"`([\w.<>*-]+(?:/[\w.<>*-]+)+|[A-Z]+\.md|template\.yaml)`", "\n".join(about))
    return [re.sub(r"<(\w+)>", lambda placeholder: names[placeholder[1]], path) for path in paths]


def names_it(text: str, *names: str) -> bool:
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for name in names)


def known_by(names: Names) -> list[str]:
    """By what a file may name a thing."""
    return [names[key] for key in ("name", "module", "known_as") if key in names]


@cache
def texts() -> dict[str, str]:
    """Every tracked text by its path."""
    found = {}
    for path in tracked_files():
        try:
            found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


@pytest.mark.parametrize("kind", THINGS)
def test_steps_are_numbered_and_begin_with_what_to_do(kind: str) -> None:
    section = GUIDE.partition(f"## How to add a {kind}\n")[2].partition("\n## ")[0]
    numbers = [int(number) for number in re.findall(r"^(\d+)\. [A-Z]", section, re.MULTILINE)]

    assert len(numbers) > 1
    assert numbers == list(range(1, len(steps(kind)) + 1))


@pytest.mark.parametrize(("kind", "names"), CASES)
def test_what_a_list_names_is_there_for_everything_that_was_added_before(kind: str, names: Names) -> None:
    assert [path for path in listed(kind, names) if not list(ROOT.glob(path))] == []


REGISTERS = {
    "command": {"cli/commands.py", "docs/command-line.md"},
    "policy": {
        "docs/policies.md",
        "docs/policies-live.md",
        "tests/unit/policy/test_policy_change_sets.py",
        "tests/unit/policy/test_policy_live.py",
    },
    "stage check": {"layers/belay/belay/control/stage_checks.py"},
    "kind of database": {
        "layers/belay/belay/database/kinds.py",
        "tests/unit/rollback/test_rollback_databases.py",
        "tests/machines/test_machines_restore.py",
        "docs/registration.md",
        "docs/databases.md",
    },
    "bridge": {"local/bridges/__init__.py", "docs/engine.md"},
}
"""The files of a list that name everything added before."""


@pytest.mark.parametrize(("kind", "names"), CASES)
def test_where_a_list_says_to_enter_something_everything_is_entered(kind: str, names: Names) -> None:
    registers = REGISTERS[kind] & set(listed(kind, names))

    assert registers
    assert [path for path in registers if not names_it(texts()[path], *known_by(names))] == []


@pytest.mark.parametrize(
    ("kind", "subject"),
    [(kind, subject) for kind, each in THINGS.items() for subject in sorted({one.get("subject", "") for one in each})],
)
def test_no_source_that_names_them_all_is_missing_from_the_list(kind: str, subject: str) -> None:
    things = [names for names in THINGS[kind] if names.get("subject", "") == subject]
    everywhere = {
        path
        for path, text in texts().items()
        if not path.startswith("tests/")
        and all(names_it(text, *([names["known_as"]] if "known_as" in names else known_by(names))) for names in things)
    }

    assert everywhere - set(listed(kind, things[0])) == set()


def test_the_makefile_s_targets_are_told_with_what_they_do() -> None:
    targets = re.findall(r"^([\w-]+):[^#\n]*## (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert re.findall(r"^\| `make ([\w-]+)` \| (.+) \|$", GUIDE, re.MULTILINE) == targets
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert sorted(phony[1].split()) == sorted(name for name, _ in targets)


def test_every_package_is_described() -> None:
    packages = {path.parent.name for path in LAYER.glob("*/__init__.py")}

    table = GUIDE.partition("\n## The packages\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(\w+)/`", "".join(re.findall(r"^\|.*$", table, re.MULTILINE)))) == packages


def test_the_newest_version_of_the_changelog_is_this_one() -> None:
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (Unreleased|\d{4}-\d{2}-\d{2})$", changelog(), re.MULTILINE)

    assert len(re.findall(r"^## ", changelog(), re.MULTILINE)) == len(versions)
    assert versions[0][0] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert versions == sorted(versions, key=lambda found: [int(part) for part in found[0].split(".")], reverse=True)


def test_the_changelog_sorts_changes_as_keep_a_changelog_does() -> None:
    kinds = set(re.findall(r"^### (.+)$", changelog(), re.MULTILINE))

    assert kinds
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text()
