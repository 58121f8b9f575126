"""What a change set's attributes say about when and how it runs, the same in every format of changelog.

Source: https://docs.liquibase.com/concepts/changelogs/attributes/home.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from belay.sql.changes import Engine
from belay.sql.problems import shown
from belay.sql.substitution import PLACEHOLDER

NAMES: Final = {
    Engine.POSTGRESQL: "postgresql",
    Engine.MYSQL: "mysql",
    Engine.MARIADB: "mariadb",
    Engine.ORACLE: "oracle",
    Engine.SQLSERVER: "mssql",
    Engine.DB2: "db2",
}
"""The engines by Liquibase's names."""

_READ_ELSEWHERE: Final = frozenset(
    "id author created comment comments description logicalfilepath tag dbms ignore validchecksum context contexts "
    "contextfilter labels enddelimiter rollbacksplitstatements rollbackenddelimiter".split()
)
_TRUTHS: Final = ("runonchange", "runalways", "runintransaction", "failonerror", "splitstatements", "stripcomments")


@dataclass(frozen=True, slots=True)
class Settled:
    """What attributes determine. ``doubts`` are reasons why it may not run as written; ``skipped`` is never run."""

    repeatable: bool
    transactional: bool
    contexts: str
    labels: str
    skipped: bool
    doubts: tuple[str, ...]


def settled(attributes: Mapping[str, str], engine: Engine) -> Settled:
    """Read a change set's attributes, whose names are in lower case."""
    return Settled(
        repeatable=_truth(attributes, "runonchange") or _truth(attributes, "runalways"),
        transactional=_truth(attributes, "runintransaction", default=True),
        contexts=contexts(attributes),
        labels=attributes.get("labels", ""),
        skipped=_truth(attributes, "ignore") or not for_engine(attributes.get("dbms", ""), engine),
        doubts=tuple(_doubts(attributes)),
    )


def contexts(attributes: Mapping[str, str]) -> str:
    """Return the context expression, under any of its names."""
    return next((attributes[key] for key in ("contextfilter", "context", "contexts") if key in attributes), "")


def for_engine(written: str, engine: Engine) -> bool:
    """Whether a list of database systems, such as ``postgresql, h2`` or ``!oracle``, includes an engine."""
    names = {each.strip().lower() for each in written.split(",")} - {""}
    name = NAMES[engine]
    if not names or "all" in names:
        return True
    if "none" in names or f"!{name}" in names:
        return False
    wanted = {each for each in names if not each.startswith("!")}
    return not wanted or name in wanted


def both(one: str, other: str) -> str:
    """Return the context or label expression that holds if both hold."""
    return f"({one}) and ({other})" if one and other else one or other


def _truth(attributes: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    return {"true": True, "false": False}.get(attributes.get(name, "").strip().lower(), default)


def _doubts(attributes: Mapping[str, str]) -> list[str]:
    doubts = [
        f"{PLACEHOLDER.findall(each)[0]} has no value" for each in attributes.values() if PLACEHOLDER.search(each)
    ]
    for name, value in attributes.items():
        plain = value.strip().lower()
        if name in _TRUTHS and plain not in {"true", "false"}:
            doubts.append(f"{name} is {shown(value)}, expected true or false")
    if _truth(attributes, "runalways"):
        doubts.append("it is run in every release (runAlways)")
    if not _truth(attributes, "failonerror", default=True):
        doubts.append("it counts as run when it fails (failOnError)")
    harmless = {
        "objectquotingstrategy": {"legacy", "quote_all_objects", ""},
        "runwith": {"jdbc", ""},
        "onvalidationfail": {"halt", ""},
    }
    known = _READ_ELSEWHERE | {*_TRUTHS, *harmless}
    doubts += [
        f"{name} is {shown(attributes[name])}"
        for name, good in harmless.items()
        if attributes.get(name, "").lower() not in good
    ]
    return doubts + [f"its attribute {shown(name)} is not read" for name in attributes if name not in known]
