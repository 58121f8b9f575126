"""Reads changelogs and the changelogs that they include.

Source: https://docs.liquibase.com/concepts/changelogs/home.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from belay.errors import UnreadableChanges
from belay.sql.changes import DatabaseChange, Engine, SourcePlace
from belay.sql.doubts import doubt
from belay.sql.files import below, text_of
from belay.sql.limits import MAX_STATEMENTS
from belay.sql.liquibase.attributes import both, contexts
from belay.sql.liquibase.changesets import LiquibaseChangeSet
from belay.sql.liquibase.elements import Element
from belay.sql.liquibase.formatted import is_formatted, read_formatted
from belay.sql.liquibase.mappings import read_mappings
from belay.sql.liquibase.properties import Properties
from belay.sql.liquibase.tree import ReadFile, lowered, read_change_set
from belay.sql.liquibase.xml import read_xml
from belay.sql.located import LocatedText
from belay.sql.problems import Collected, problem_at, shown
from belay.sql.splitting import split
from belay.sql.substitution import doubted

_TREES: Final = (".xml", ".yaml", ".yml", ".json")
_CHANGELOG: Final = re.compile(rb"databaseChangeLog")
_FORMATTED: Final = re.compile(rb"\s*--\s*liquibase\s+formatted\s+sql\b", re.IGNORECASE)
_NAMED: Final = re.compile(rb"[\w./-]++")
_ROOTS: Final = re.compile(
    r"(?:db\.)?changelog(?:[-_.](?:master|root|main))?|(?:db[-_.])?(?:master|root)(?:[-_.]changelog)?", re.IGNORECASE
)
_INCLUDED: Final = frozenset({"relativetochangelogfile", "context", "contexts", "contextfilter", "labels", "ignore"})
_INCLUDE: Final = _INCLUDED | {"file", "errorifmissing", "logicalfilepath"}
_INCLUDE_ALL: Final = _INCLUDED | {"path", "errorifmissingorempty"}
_OF_A_CHANGELOG: Final = frozenset({"logicalfilepath", "schemalocation", "objectquotingstrategy", "changelogid"})
_SAYS_NOTHING: Final = frozenset({"afterColumn", "beforeColumn", "position", "remarks"})
"""Properties of changes that have no effect here, such as MySQL's position of a new column."""
_MOST_DEEP: Final = 50
_MOST_INCLUDE_ALL: Final = 100


def is_changelog(path: str, data: bytes) -> bool:
    """Whether a file is a changelog by its name and content."""
    if path.lower().endswith(_TREES):
        return _CHANGELOG.search(data) is not None
    return path.lower().endswith(".sql") and _FORMATTED.match(data.removeprefix(b"\xef\xbb\xbf")) is not None


def read_liquibase(
    files: Mapping[str, bytes], directory: str, engine: Engine, values: Mapping[str, str], *, alone: bool = False
) -> tuple[DatabaseChange, ...]:
    """Read a changelog, or the one in a directory that includes the others, in the order of its change sets.

    A changelog that is read alone may include missing files, which are then not understood, and may have change sets of
    one id for different contexts.

    Raises :class:`UnreadableChanges` with every problem found.
    """
    reader = _ChangelogReader(files, directory, engine, Properties(values, engine), alone=alone)
    roots = [directory] if directory in files else _roots(below(files, directory), directory)
    for root in roots:
        reader.read(root, _Included())
    return reader.finished()


def _roots(files: Mapping[str, bytes], directory: str) -> list[str]:
    """The root changelog of a directory; files of formatted SQL without one are read in their order."""
    found = [path for path, data in files.items() if path.lower().endswith(_TREES) or is_changelog(path, data)]
    named = [path for path in found if _ROOTS.fullmatch(PurePosixPath(path).stem)]
    if named:
        top = min(path.count("/") for path in named)
        found = [path for path in named if path.count("/") == top]
    mentioned = {name for path in found for name in _mentioned(files[path])}
    if len(found) > 1 and len(left := [path for path in found if PurePosixPath(path).name not in mentioned]) == 1:
        return left
    if len(found) == 1 or (found and all(path.lower().endswith(".sql") for path in found)):
        return found
    listed = ", ".join(found[:5]) or "none"
    raise UnreadableChanges(
        [f"{directory}: expected one changelog to begin with, found {listed}; name it in the manifest"]
    )


def _mentioned(data: bytes) -> set[str]:
    """The names of changelogs mentioned in a changelog's text."""
    named = (each.decode() for each in _NAMED.findall(data))
    return {PurePosixPath(each).name for each in named if each.lower().endswith((".sql", *_TREES))}


@dataclass(frozen=True, slots=True)
class _Included:
    """The conditions under which a changelog is included, and the changelogs that include it."""

    contexts: str = ""
    labels: str = ""
    chain: tuple[str, ...] = ()
    logical: str = ""
    """The path prefix of its change sets' ids, if the include gives one."""


class _ChangelogReader:
    def __init__(
        self, files: Mapping[str, bytes], directory: str, engine: Engine, properties: Properties, *, alone: bool
    ) -> None:
        self._files = files
        self._alone = alone
        self._include_alls = 0
        self._directory = directory
        self._engine = engine
        self._properties = properties
        self._collected = Collected()
        self._read: set[str] = set()
        self._changes: list[DatabaseChange] = []
        self._ids: dict[str, SourcePlace] = {}

    def finished(self) -> tuple[DatabaseChange, ...]:
        self._collected.raise_all()
        return tuple(self._changes)

    def read(self, path: str, included: _Included) -> None:
        with self._collected:
            self._check(path, included)
            source = text_of(path, self._files[path])
            within = replace(included, chain=(*included.chain, path))
            if path.lower().endswith(".sql"):
                self._take(self._sql(source, included.logical or path), within)
            elif path.lower().endswith(_TREES):
                self._tree(source, path, within)
            else:
                raise UnreadableChanges(
                    [f"{path}:1:1: expected a changelog in XML, YAML, JSON or SQL, found another file"]
                )

    def _check(self, path: str, included: _Included) -> None:
        if path in included.chain:
            circle = " -> ".join((*included.chain[included.chain.index(path) :], path))
            raise UnreadableChanges([f"{path}:1:1: expected changelogs that do not include each other, found {circle}"])
        if path in self._read:
            raise UnreadableChanges([f"{path}:1:1: expected each changelog to be included once, found it twice"])
        if len(included.chain) >= _MOST_DEEP:
            raise UnreadableChanges(
                [f"{path}:1:1: expected at most {_MOST_DEEP} changelogs within each other, found more"]
            )
        self._read.add(path)

    def _take(self, change_sets: list[LiquibaseChangeSet], included: _Included) -> None:
        for each in change_sets:
            change = each.change(self._engine, included.contexts, included.labels)
            if change is None:
                continue
            if self._alone and change.contexts and change.id in self._ids:
                change = replace(change, id=f"{change.id} ({change.contexts})")
            first = self._ids.setdefault(change.id, each.place)
            if first != each.place:
                problem = f"expected each change set once, found {shown(change.id)} at {first.path}:{first.line} too"
                self._collected.add(problem_at(each.place, problem))
            self._changes.append(change)
        if len(self._changes) > MAX_STATEMENTS:
            raise UnreadableChanges([f"{self._directory}: expected at most {MAX_STATEMENTS:,} change sets, found more"])

    def _sql(self, source: LocatedText, path: str) -> list[LiquibaseChangeSet]:
        if is_formatted(source.text):
            return read_formatted(source, path, self._engine, self._properties)
        text = self._properties.put_into(source)
        attributes = {"id": "raw", "author": "includeAll"}
        statements = doubted(split(text, self._engine))
        return [LiquibaseChangeSet(path, source.place(0), attributes, statements, None, text.text)]

    def _tree(self, source: LocatedText, path: str, included: _Included) -> None:
        root = _changelog(source, path)
        logical = root.get("logicalFilePath") or included.logical or path
        for name in sorted(lowered(root.attributes).keys() - _OF_A_CHANGELOG):
            self._collected.add(problem_at(root.place, f"expected a changelog's attribute, found {shown(name)}"))
        for element in root.children:
            with self._collected:
                self._entry(element, root, path, logical, included)

    def _entry(self, element: Element, root: Element, path: str, logical: str, included: _Included) -> None:
        if element.name == "changeSet":
            quoting = {key: root.attributes[key] for key in ("objectQuotingStrategy",) if key in root.attributes}
            element = replace(element, attributes={**quoting, **element.attributes})
            read_file = self._reader_of_files(path)
            self._take([read_change_set(element, logical, self._engine, self._properties, read_file)], included)
        elif element.name == "property":
            self._properties.define(lowered(element.attributes), element.place)
        elif element.name == "include":
            self._include(element, path, included)
        elif element.name == "includeAll":
            self._include_all(element, path, included)
        elif element.name != "preConditions" and not _removes_nothing(element):
            raise UnreadableChanges([problem_at(element.place, f"expected a change set, found {shown(element.name)}")])

    def _reader_of_files(self, changelog: str) -> ReadFile:
        def read_file(element: Element) -> LocatedText | None:
            relative = element.get("relativeToChangelogFile").lower() == "true"
            path = self._found(element.get("path"), changelog, relative=relative)
            return None if path is None else self._properties.put_into(text_of(path, self._files[path]))

        return read_file

    def _include(self, element: Element, path: str, included: _Included) -> None:
        attributes = self._attributes(element, _INCLUDE)
        if _true(attributes, "ignore"):
            return
        written, relative = attributes.get("file", ""), _true(attributes, "relativetochangelogfile")
        found = self._found(written, path, relative=relative)
        if found is not None:
            self.read(found, replace(_within(attributes, included), logical=attributes.get("logicalfilepath", "")))
        elif attributes.get("errorifmissing", "").lower() != "false":
            self._missing(element, f"the file {shown(written)}", path, included)

    def _missing(self, element: Element, what: str, path: str, included: _Included) -> None:
        """An included file is missing: not understood if the changelog is read alone, else refused."""
        if not self._alone:
            raise UnreadableChanges([problem_at(element.place, f"expected {what} in the release, found none")])
        attributes = {"id": f"{element.name} at line {element.place.line}", "author": ""}
        statements = (doubt(f"not given: {what}", element.place, element.name),)
        self._take([LiquibaseChangeSet(path, element.place, attributes, statements, None, what)], included)

    def _include_all(self, element: Element, path: str, included: _Included) -> None:
        attributes = self._attributes(element, _INCLUDE_ALL)
        if _true(attributes, "ignore"):
            return
        written, relative = attributes.get("path", ""), _true(attributes, "relativetochangelogfile")
        self._include_alls += 1
        if self._include_alls > _MOST_INCLUDE_ALL:
            raise UnreadableChanges([problem_at(element.place, f"expected at most {_MOST_INCLUDE_ALL} includeAll")])
        for directory in _candidates(written, path, self._directory, relative=relative):
            below_it = (path for path in sorted(self._files) if path.startswith(f"{directory}/"))
            if found := [path for path in below_it if path.lower().endswith((".sql", *_TREES))]:
                for each in found:
                    self.read(each, _within(attributes, included))
                return
        if attributes.get("errorifmissingorempty", "").lower() != "false":
            self._missing(element, f"changelogs in {shown(written)}", path, included)

    def _attributes(self, element: Element, known: frozenset[str]) -> dict[str, str]:
        attributes = {key: self._properties.put_in(value) for key, value in lowered(element.attributes).items()}
        unknown = sorted({*attributes} - known)
        if unknown:
            problem = f"expected {element.name} with {', '.join(sorted(known))}, found {', '.join(unknown)}"
            raise UnreadableChanges([problem_at(element.place, problem)])
        return attributes

    def _found(self, written: str, changelog: str, *, relative: bool) -> str | None:
        candidates = _candidates(written, changelog, self._directory, relative=relative)
        return next((each for each in candidates if each in self._files), None)


def _removes_nothing(element: Element) -> bool:
    """Whether it removes only what has no effect here."""
    removed = {each.strip() for each in element.get("remove").split(",")}
    return element.name == "removeChangeSetProperty" and removed <= _SAYS_NOTHING


def _true(attributes: Mapping[str, str], name: str) -> bool:
    return attributes.get(name, "").lower() == "true"


def _within(attributes: Mapping[str, str], included: _Included) -> _Included:
    labels = both(included.labels, attributes.get("labels", ""))
    return _Included(both(included.contexts, contexts(attributes)), labels, included.chain)


def _candidates(written: str, changelog: str, directory: str, *, relative: bool) -> Iterator[str]:
    """The possible paths of a file: beside the changelog if it says so, else from each directory above it."""
    path = written.removeprefix("classpath:").replace("\\", "/").strip("/")
    start = PurePosixPath(changelog).parent
    bases = [start] if relative else [PurePosixPath(), PurePosixPath(directory), start, *start.parents]
    for base in bases:
        plain = _plain(f"{base}/{path}")
        if plain:
            yield plain


def _plain(path: str) -> str:
    """The path without dots; empty if it leads out of the release."""
    parts = [""] if path.startswith("/") else []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _changelog(source: LocatedText, path: str) -> Element:
    if path.lower().endswith(".xml"):
        root = read_xml(path, source.text)
    else:
        document = read_mappings(path, source.text)
        root = next(document.named("databaseChangeLog"), document)
    if root.name != "databaseChangeLog":
        raise UnreadableChanges(
            [problem_at(root.place, f"expected a databaseChangeLog, found {shown(root.name) if root.name else 'none'}")]
        )
    return root
