"""The change sets of XML, YAML and JSON changelogs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from belay.errors import UnreadableChanges
from belay.sql.changes import Engine, SqlStatement
from belay.sql.doubts import doubt
from belay.sql.liquibase.attributes import for_engine
from belay.sql.liquibase.change_types import Context, NotTranslated, inverse, translate
from belay.sql.liquibase.changesets import LiquibaseChangeSet
from belay.sql.liquibase.conditions import conditions
from belay.sql.liquibase.delimiters import terminator
from belay.sql.liquibase.elements import Element
from belay.sql.liquibase.modifying import doubts_about, modify
from belay.sql.liquibase.properties import Properties
from belay.sql.located import LocatedText
from belay.sql.problems import Collected, problem_at, shown
from belay.sql.splitting import split
from belay.sql.substitution import PLACEHOLDER, doubted

ReadFile = Callable[[Element], LocatedText | None]
"""Returns the text of the file that an element names; None if the release does not contain it."""

_NOTHING: Final = frozenset({"", "empty", "not required"})
_BESIDE: Final = frozenset({"preConditions", "rollback", "validCheckSum", "comment", "modifySql", "changes"})
_SQL: Final = frozenset({"sql", "dbms", "splitStatements", "endDelimiter", "stripComments", "comment"})
_FILE: Final = frozenset({"path", "relativeToChangelogFile", "encoding", *_SQL})
_PROCEDURE: Final = frozenset(
    {"procedureName", "procedureText", "procedureBody", "replaceIfExists", "schemaName", *_FILE}
)


def read_change_set(
    element: Element, path: str, engine: Engine, properties: Properties, read_file: ReadFile
) -> LiquibaseChangeSet:
    """Return a change set. Raises :class:`UnreadableChanges`."""
    return _TreeReader(engine, read_file).change_set(_resolved(element, properties), path)


def _resolved(element: Element, properties: Properties) -> Element:
    """The element with the properties' values substituted."""
    return replace(
        element,
        attributes={key: properties.put_in(value) for key, value in element.attributes.items()},
        texts={key: properties.put_into(value) for key, value in element.texts.items()},
        text=properties.put_into(element.text),
        children=tuple(_resolved(each, properties) for each in element.children),
    )


class _TreeReader:
    def __init__(self, engine: Engine, read_file: ReadFile) -> None:
        self._engine = engine
        self._read_file = read_file
        self._files: list[str] = []

    def change_set(self, element: Element, path: str) -> LiquibaseChangeSet:
        attributes = {key.lower(): value for key, value in element.attributes.items() if key != "rollback"}
        if not attributes.get("id") or not attributes.get("author"):
            raise UnreadableChanges([problem_at(element.place, "expected a change set with id and author")])
        found = conditions(element, self._engine)
        as_written = attributes.get("objectquotingstrategy", "").upper() == "QUOTE_ALL_OBJECTS"
        context = Context(self._engine, found.if_not_exists, found.if_exists, as_written)
        modified = [each for one in (element, *element.named("changes")) for each in one.named("modifySql")]
        doubts = [*found.doubts, *doubts_about(modified, self._engine)]
        wrappers = list(element.named("changes"))
        if any(each.attributes for each in wrappers):
            doubts.append("a change of it has no attributes")
        changes = [each for each in element.children if each.name not in _BESIDE]
        changes += [each for wrapper in wrappers for each in wrapper.children if each.name != "modifySql"]
        collected = Collected()
        statements: list[SqlStatement] = []
        for change in changes:
            with collected:
                statements += self._statements(change, context)
        collected.raise_all()
        decisive = [each.canonical() for each in element.children if each.name not in {"rollback", "comment"}]
        return LiquibaseChangeSet(
            path=path,
            place=element.place,
            attributes=attributes,
            statements=modify(statements, modified, self._engine),
            undo=self._undo(element, changes, Context(self._engine, as_written=as_written)),
            basis="\n".join([*decisive, *self._files]),
            doubts=tuple(doubts),
            skipped=found.skipped,
        )

    def _statements(self, change: Element, context: Context) -> tuple[SqlStatement, ...]:
        if not for_engine(change.attributes.get("dbms", ""), self._engine):
            return ()
        special = {"sql": self._sql, "sqlFile": self._sql_file, "createProcedure": self._procedure}
        try:
            if change.name in special:
                return special[change.name](change)
            texts = translate(change, context)
        except NotTranslated as reason:
            return (doubt(str(reason), change.place, change.name),)
        statements = tuple(SqlStatement(text, change.place) for text in texts)
        return statements if _only_in_values(change) else doubted(statements)

    def _sql(self, change: Element) -> tuple[SqlStatement, ...]:
        _only(change, _SQL)
        return self._split(change, change.texts.get("sql", change.text))

    def _sql_file(self, change: Element) -> tuple[SqlStatement, ...]:
        _only(change, _FILE)
        return self._split(change, self._file(change))

    def _procedure(self, change: Element) -> tuple[SqlStatement, ...]:
        _only(change, _PROCEDURE)
        text = change.texts.get("procedureText") or change.texts.get("procedureBody") or change.text
        if not text.text.strip() and change.get("path"):
            text = self._file(change)
        begin = len(text.text) - len(text.text.lstrip())
        stripped = text.text.strip()
        return doubted([SqlStatement(stripped, text.place(begin))]) if stripped else ()

    def _file(self, change: Element) -> LocatedText:
        text = self._read_file(change)
        if text is None:
            raise NotTranslated(f"{change.name} names {shown(change.get('path'))}, which the release does not hold")
        self._files.append(text.text)
        return text

    def _split(self, change: Element, text: LocatedText) -> tuple[SqlStatement, ...]:
        delimiter = change.get("endDelimiter")
        ends = terminator(delimiter, self._engine) if delimiter else ";"
        if ends is None:
            raise NotTranslated(f"{change.name} has an endDelimiter that is not read")
        return doubted(split(text, self._engine, ends))

    def _undo(self, element: Element, changes: list[Element], context: Context) -> tuple[SqlStatement, ...] | None:
        """The rollbacks' statements, or the inverse of each change as Liquibase itself generates it."""
        given = list(element.named("rollback"))
        written = element.texts.get("rollback")
        if not given and written is None:
            return self._inverses(changes, context)
        statements = [statement for each in given for statement in self._rollback(each, context)]
        return (*statements, *(() if written is None else self._undone(written)))

    def _rollback(self, rollback: Element, context: Context) -> Iterator[SqlStatement]:
        if rollback.attributes:
            yield doubt("its rollback is another change set", rollback.place, "rollback")
        for change in rollback.children:
            yield from self._statements(change, context)
        if not rollback.children:
            yield from self._undone(rollback.text)

    def _undone(self, text: LocatedText) -> tuple[SqlStatement, ...]:
        return () if text.text.strip().lower() in _NOTHING else doubted(split(text, self._engine))

    def _inverses(self, changes: list[Element], context: Context) -> tuple[SqlStatement, ...] | None:
        statements: list[SqlStatement] = []
        for change in reversed(changes):
            if not for_engine(change.attributes.get("dbms", ""), self._engine):
                continue
            try:
                if (undone := inverse(change)) is None:
                    return None
                statements += (SqlStatement(text, change.place) for text in translate(undone, context))
            except NotTranslated:
                return None
        return doubted(statements)


def _only_in_values(change: Element) -> bool:
    """Whether a name without a value can only be in a row's values, where it stays plain text."""
    if change.name not in {"insert", "update"}:
        return False
    columns = [each for wrapper in (change, *change.named("columns")) for each in wrapper.named("column")]
    others = [value for each in columns for key, value in each.attributes.items() if key != "value"]
    others += [*change.attributes.values(), *(each.text.text for each in change.named("where"))]
    return not any(map(PLACEHOLDER.search, others))


def _only(change: Element, known: frozenset[str]) -> None:
    unknown = (change.attributes.keys() | {each.name for each in change.children}) - known
    if unknown:
        raise NotTranslated(f"{change.name} has {', '.join(sorted(unknown))}, which is not read")


def lowered(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return attributes by their names in lower case."""
    return {key.lower(): value for key, value in attributes.items()}
