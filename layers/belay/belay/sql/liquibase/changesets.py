"""A change set as read from a changelog of any format, and the change made from it."""

from collections.abc import Mapping
from dataclasses import dataclass

from belay.sql.changes import DatabaseChange, Engine, SourcePlace, SqlStatement
from belay.sql.digests import digest_of
from belay.sql.doubts import doubt
from belay.sql.liquibase.attributes import both, settled


@dataclass(frozen=True, slots=True)
class LiquibaseChangeSet:
    """A change set. ``basis`` is the text that determines what runs, except the attributes; ``doubts`` are reasons."""

    path: str
    place: SourcePlace
    attributes: Mapping[str, str]
    statements: tuple[SqlStatement, ...]
    undo: tuple[SqlStatement, ...] | None
    basis: str
    doubts: tuple[str, ...] = ()
    skipped: bool = False

    @property
    def id(self) -> str:
        """Liquibase's own id: path, id and author."""
        path = self.attributes.get("logicalfilepath") or self.path
        return f"{path}::{self.attributes.get('id', '')}::{self.attributes.get('author', '')}"

    def change(self, engine: Engine, contexts: str, labels: str) -> DatabaseChange | None:
        """Return the change; None if it is never run on this engine.

        ``contexts`` and ``labels`` are those of the changelogs that include it.
        """
        found = settled(self.attributes, engine)
        if found.skipped or self.skipped:
            return None
        decisive = {key: value for key, value in self.attributes.items() if key not in {"comment", "created"}}
        doubts = [doubt(each, self.place) for each in (*found.doubts, *self.doubts)]
        return DatabaseChange(
            id=self.id,
            author=self.attributes.get("author", ""),
            place=self.place,
            digest=digest_of(self.basis.encode(), repr(sorted(decisive.items())).encode()),
            statements=(*doubts, *self.statements),
            undo=self.undo,
            repeatable=found.repeatable,
            transactional=found.transactional,
            contexts=both(contexts, found.contexts),
            labels=both(labels, found.labels),
        )
