"""``modifySql``, which changes the SQL of a change set for some databases.

Source: https://docs.liquibase.com/change-types/modify-sql.html
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from belay.errors import UnreadableChanges
from belay.sql.changes import Engine, SqlStatement
from belay.sql.limits import MAX_MODIFIED
from belay.sql.liquibase.attributes import for_engine
from belay.sql.liquibase.elements import Element
from belay.sql.problems import problem_at

_KNOWN: Final = {"append": {"value"}, "prepend": {"value"}, "replace": {"replace", "with"}}


def modify(statements: Iterable[SqlStatement], modified: Sequence[Element], engine: Engine) -> tuple[SqlStatement, ...]:
    """Return the statements with what ``modifySql`` appends, prepends and replaces.

    Raises :class:`UnreadableChanges` if the result is too large: each ``replace`` may double a text.
    """
    changed, length = list(statements), 0
    for each in _modifications(modified, engine):
        for number, statement in enumerate(changed):
            length += _length(statement.text, each)
            if length > MAX_MODIFIED:
                problem = f"expected at most {MAX_MODIFIED:,} characters that modifySql makes, found more"
                raise UnreadableChanges([problem_at(statement.place, problem)])
            changed[number] = replace(statement, text=_modified(statement.text, each))
    return tuple(changed)


def _length(text: str, modification: Element) -> int:
    """The resulting length of a text."""
    if modification.name != "replace" or not (old := modification.get("replace")):
        return len(text) + len(modification.get("value"))
    return len(text) + text.count(old) * (len(modification.get("with")) - len(old))


def doubts_about(modified: Sequence[Element], engine: Engine) -> list[str]:
    """Return why the effect of ``modifySql`` cannot be determined."""
    found = _modifications(modified, engine)
    unknown = any(not each.attributes.keys() <= _KNOWN.get(each.name, set()) for each in found)
    contexts = any(each.attributes.keys() - {"dbms", "applyToRollback"} for each in modified)
    return ["modifySql changes its SQL"] if unknown or contexts else []


def _modifications(modified: Sequence[Element], engine: Engine) -> Iterator[Element]:
    for each in modified:
        if for_engine(each.get("dbms"), engine):
            yield from each.children


def _modified(text: str, modification: Element) -> str:
    if modification.name == "append":
        return text + modification.get("value")
    if modification.name == "prepend":
        return modification.get("value") + text
    if modification.name == "replace" and modification.get("replace"):
        return text.replace(modification.get("replace"), modification.get("with"))
    return text
