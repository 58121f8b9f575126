"""What a change set's preconditions mean for what it runs.

A condition that fails stops the whole update, unless ``onFail`` says otherwise: then the change set is skipped. Source:
https://docs.liquibase.com/concepts/changelogs/preconditions.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from belay.sql.changes import Engine
from belay.sql.liquibase.attributes import for_engine
from belay.sql.liquibase.elements import Element

_SKIPPING: Final = frozenset({"MARK_RAN", "CONTINUE"})
_EXISTS: Final = frozenset(
    "columnExists foreignKeyConstraintExists indexExists primaryKeyExists sequenceExists tableExists "
    "uniqueConstraintExists viewExists".split()
)


@dataclass(frozen=True, slots=True)
class Conditions:
    """``if_not_exists`` and ``if_exists``: it runs only if what it creates does not exist, or what it changes does."""

    skipped: bool = False
    if_not_exists: bool = False
    if_exists: bool = False
    doubts: tuple[str, ...] = ()


def conditions(change_set: Element, engine: Engine) -> Conditions:
    """Return what the preconditions of a change set mean."""
    found = list(change_set.named("preConditions"))
    skipping = [each for each in found if {each.get("onFail").upper(), each.get("onError").upper()} & _SKIPPING]
    terms = [term for each in skipping for child in each.children for term in _terms(child, negated=False)]
    systems = [
        any(for_engine(each.get("type"), engine) for each in (term.children or (term,))) is not negated
        for term, negated in terms
        if _asks_for_system(term)
    ]
    others = sorted({term.name for term, _ in terms if not _asks_for_system(term) and term.name not in _EXISTS})
    exist = [negated for term, negated in terms if term.name in _EXISTS]
    return Conditions(
        skipped=not all(systems),
        if_not_exists=any(exist),
        if_exists=not all(exist),
        doubts=(f"its preconditions may skip it: {', '.join(others)}",) if others else (),
    )


def _asks_for_system(element: Element) -> bool:
    """Whether only the database system is checked."""
    return element.name == "dbms" or (element.name == "or" and all(each.name == "dbms" for each in element.children))


def _only_exist(element: Element) -> bool:
    """Whether only the existence of something is checked."""
    if element.name in {"and", "or", "not"}:
        return all(map(_only_exist, element.children))
    return element.name in _EXISTS


def _terms(element: Element, *, negated: bool) -> Iterator[tuple[Element, bool]]:
    """The conditions that all have to hold, each with whether it is negated; an alternative is one of them."""
    if (element.name == "and" and not negated) or (element.name == "or" and _only_exist(element)):
        for child in element.children:
            yield from _terms(child, negated=negated)
    elif element.name == "not" and len(element.children) == 1:
        yield from _terms(element.children[0], negated=not negated)
    else:
        yield element, negated
