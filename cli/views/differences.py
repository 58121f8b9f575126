"""Two releases side by side: their templates and parameters, their other files, and what they say of databases."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from belay.aws.s3 import ArtifactBucket
from belay.release.accepted import AcceptedRelease
from belay.release.manifest import Manifest
from belay.release.records import ReleaseReference

_MOST_LINES = 2_000


@dataclass(frozen=True)
class Line:
    """A line of a text that differs: ``sign`` is ``+``, ``-``, ``@`` or a blank."""

    sign: str
    text: str


@dataclass(frozen=True)
class Changed:
    """A value by name in both releases; None where there is none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class StackDifference:
    """One stack: how its template's lines and its parameters differ. ``template`` is its path in the newer release."""

    stack: str
    template: str
    lines: tuple[Line, ...]
    parameters: tuple[Changed, ...]
    unread: bool = False

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.lines and not self.parameters and not self.unread


@dataclass(frozen=True)
class FileDifference:
    """One file of the database changes: how its lines differ; ``unread`` where one of the two is no longer kept."""

    path: str
    lines: tuple[Line, ...]
    unread: bool = False


@dataclass(frozen=True)
class Differences:
    """Everything that differs between two releases; ``files`` by path with their digests, ``more`` the rest."""

    stacks: tuple[StackDifference, ...]
    database_changes: tuple[FileDifference, ...]
    files: tuple[Changed, ...]
    more: tuple[Changed, ...]


def differences(artifacts: ArtifactBucket, before: ReleaseReference, after: ReleaseReference) -> Differences:
    """Read both releases and compare them. Raises ``MissingDocument``."""
    one, other = (
        AcceptedRelease.from_dict(artifacts.require_json(each.document_key)).manifest for each in (before, after)
    )
    read = {each.template for manifest in (one, other) for each in manifest.stacks}
    texts = {
        path: (artifacts.get_bytes(before.member_key(path)), artifacts.get_bytes(after.member_key(path)))
        for path in {*read, *_changes(one), *_changes(other)}
        if one.digests.get(path) != other.digests.get(path)
    }
    return compare(one, other, texts)


Texts = Mapping[str, tuple[bytes | None, bytes | None]]
"""A file by its path in two releases, as far as each is kept."""


def compare(before: Manifest, after: Manifest, templates: Texts) -> Differences:
    """Compare two manifests; ``templates`` has both texts of each template and database change that differs."""
    old, new = ({stack.name: stack for stack in manifest.stacks} for manifest in (before, after))
    stacks = []
    for name in dict.fromkeys([*new, *old]):
        one, other = old.get(name), new.get(name)
        path = next(each.template for each in (other, one) if each is not None)
        texts = _texts(one.template if one else None, other.template if other else None, before, after, templates)
        parameters = changed(one.parameters if one else {}, other.parameters if other else {})
        lines = () if texts is None else tuple(_lines(*texts))
        stacks.append(StackDifference(name, path, lines, parameters, unread=texts is None))
    apart = {each.template for manifest in (before, after) for each in manifest.stacks}
    apart |= {*_changes(before), *_changes(after)}
    files = [{path: digest for path, digest in each.digests.items() if path not in apart} for each in (before, after)]
    more = changed(_rest(before), _rest(after))
    return Differences(tuple(stacks), tuple(_database_changes(before, after, templates)), changed(*files), more)


def _changes(manifest: Manifest) -> list[str]:
    """Return the paths of a release's database changes."""
    directory = None if manifest.database is None else f"{manifest.database.changes}/"
    return [path for path in manifest.digests if directory is not None and path.startswith(directory)]


def _database_changes(before: Manifest, after: Manifest, texts: Texts) -> Iterator[FileDifference]:
    for path in sorted({*_changes(before), *_changes(after)}):
        old, new = (path if path in each.digests else None for each in (before, after))
        if old is None or new is None or before.digests[path] != after.digests[path]:
            both = _texts(old, new, before, after, texts)
            yield FileDifference(path, () if both is None else tuple(_lines(*both)), unread=both is None)


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Changed, ...]:
    """Return the values that differ, by name."""
    names = sorted(before.keys() | after.keys())
    return tuple(
        Changed(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    )


def _texts(
    old: str | None, new: str | None, before: Manifest, after: Manifest, templates: Texts
) -> tuple[str, str] | None:
    """Return a stack's two templates, empty where it has none; None if one of them is no longer there."""
    if old is not None and new is not None and before.digests[old] == after.digests[new]:
        return "", ""
    one = b"" if old is None else templates.get(old, (None, None))[0]
    other = b"" if new is None else templates.get(new, (None, None))[1]
    return None if one is None or other is None else (one.decode(errors="replace"), other.decode(errors="replace"))


def _lines(before: str, after: str) -> list[Line]:
    told = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    kept = [Line(each[0], each[1:]) for number, each in enumerate(told) if number > 1]
    rest = len(kept) - _MOST_LINES
    return [*kept[:_MOST_LINES], *([Line("@", f" {rest} more lines are not shown")] if rest > 0 else [])]


def _rest(manifest: Manifest) -> dict[str, str]:
    """Return what else a manifest says, as text by name."""
    database = {} if manifest.database is None else asdict(manifest.database)
    known = {"description": manifest.description} | {f"database {name}": value for name, value in database.items()}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in known.items() if value}
