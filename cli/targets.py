"""What ``belay validate`` is given: a template, a folder, or a release's zip."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from belay.errors import BelayError, UnreadableTemplate
from belay.template.limits import MAX_BYTES
from belay.template.loader import load

if TYPE_CHECKING:
    from belay.release.manifest import DatabaseChanges

EXTENSIONS = (".yaml", ".yml", ".json", ".template")
"""The endings of templates, in lower case; a file's own may be in upper case."""
SIGNS = (b"AWSTemplateFormatVersion", b"AWS::", b"::MODULE")
"""What a file in a folder has if it is meant as a template; without any it is one only if it can be read as one."""
ZIP_SIGNATURE = b"PK\x03\x04"
MANIFEST = "release.yaml"

Roots = Mapping[str, tuple[str, Mapping[str, str]]]


class Folder(Mapping[str, bytes]):
    """The files under a folder by their path in it, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, path: str) -> bytes:
        """Return a file's bytes; one more than a template may have at most, so that it is refused for its size."""
        try:
            with (self.folder / path).open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise KeyError(path) from error

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and (self.folder / path).is_file()

    def __iter__(self) -> Iterator[str]:
        return (path for path in self.everything() if not path.endswith("/"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def everything(self) -> Iterator[str]:
        """Yield every file and, with a trailing slash, every hidden or linked folder, which is not searched."""
        for place, folders, files in os.walk(self.folder):
            passed = [name for name in sorted(folders) if name.startswith(".") or Path(place, name).is_symlink()]
            folders[:] = sorted(set(folders) - set(passed))
            relative = Path(place).relative_to(self.folder)
            yield from ((relative / name).as_posix() for name in sorted(files))
            yield from ((relative / name).as_posix() + "/" for name in passed)


@dataclass(frozen=True)
class ReleasedChanges:
    """The database changes of a release: the files of their directory, and what its manifest says of them."""

    files: Mapping[str, bytes]
    declared: DatabaseChanges


@dataclass(frozen=True)
class Target:
    """Templates that belong together, and which of them to start from.

    ``shown`` is the prefix of their paths in findings. ``roots`` has for each template to start from the stack it is
    for (empty if that is not known) and the parameters that the release passes. ``unreadable`` has by path the reason
    why a file that is asked for cannot be read. ``passed_over`` are the files that are not taken for templates.
    ``changes`` are a release's database changes, if its manifest says for which engine.
    """

    shown: str
    files: Mapping[str, bytes]
    roots: Roots
    unreadable: Mapping[str, str] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()
    changes: ReleasedChanges | None = None


def read_target(path: str) -> Target:
    """Find out what a path is; raises :class:`UnreadableTemplate` if it cannot be read."""
    given = Path(path)
    if given.is_dir():
        folder = Folder(given)
        return _with_changes(_templates(folder, folder.everything(), path), given)
    try:
        with given.open("rb") as file:
            start = file.read(len(ZIP_SIGNATURE))
    except OSError as error:
        raise UnreadableTemplate(f"{path}: {error.strerror}.") from error
    if start == ZIP_SIGNATURE:
        return _zip(path)
    return Target("" if given.parent == Path() else str(given.parent), Folder(given.parent), {given.name: ("", {})})


def _templates(files: Mapping[str, bytes], names: Iterable[str], path: str) -> Target:
    """Return the templates among files; raises :class:`UnreadableTemplate` if there are none, which nobody means."""
    roots: dict[str, tuple[str, Mapping[str, str]]] = {}
    passed_over, unreadable = [], {}
    for name in names:
        if not _has_ending(name) or name not in files:
            passed_over.append(name)
        elif (data := files.get(name)) is None:
            unreadable[name] = f"{name}: it cannot be opened."
        elif _is_template(data, name):
            roots[name] = ("", {})
        else:
            passed_over.append(name)
    if not roots and not unreadable:
        shown = f" among {', '.join(passed_over)}" if passed_over else ""
        raise UnreadableTemplate(f"{path}: expected a template in it ({', '.join(EXTENSIONS)}), found none{shown}.")
    return Target(path, files, roots, unreadable, tuple(passed_over))


def _with_changes(target: Target, folder: Path) -> Target:
    """Return the target with the database changes that a release's manifest in the folder declares."""
    if not (folder / MANIFEST).is_file():
        return target
    # Only releases need these.
    from belay.release.manifest import examine_manifest  # noqa: PLC0415

    names = [name for name in target.files if name != MANIFEST]
    manifest, problems = examine_manifest((folder / MANIFEST).read_bytes(), names)
    about = [problem for problem in problems if problem.startswith(f"{MANIFEST}: database")]
    if about:
        raise UnreadableTemplate(f"{folder}: {'; '.join(about)}")
    if manifest is None or manifest.database is None or manifest.database.engine is None:
        return target
    directory = f"{manifest.database.changes}/"
    changes = {name: (folder / name).read_bytes() for name in names if name.startswith(directory)}
    rest = tuple(name for name in target.passed_over if name != MANIFEST and not name.startswith(directory))
    return replace(target, changes=ReleasedChanges(changes, manifest.database), passed_over=rest)


def _has_ending(name: str) -> bool:
    return name.lower().endswith(EXTENSIONS)


def _is_template(data: bytes, name: str) -> bool:
    if any(sign in data for sign in SIGNS):
        return True
    try:
        load(data, name)
    except UnreadableTemplate:
        return False
    return True


def _zip(path: str) -> Target:
    # Only archives need these, and they take as long to import as a small template to check.
    from belay.release.archive import open_archive  # noqa: PLC0415
    from belay.release.manifest import read_manifest  # noqa: PLC0415
    from cli.reader import FileReader  # noqa: PLC0415

    try:
        archive = open_archive(FileReader(Path(path)))
        sizes = {member.name: member.size for member in archive.members}
        files = {name: archive.read(name) for name, size in sizes.items() if _has_ending(name) and size <= MAX_BYTES}
        if MANIFEST not in archive:
            return _templates(files, sizes, path)
        manifest = read_manifest(archive)
        stacks, database = manifest.stacks, manifest.database
        directory = f"{database.changes}/" if database and database.engine else None
        changes = {name: archive.read(name) for name in sizes if directory and name.startswith(directory)}
    except BelayError as error:
        raise UnreadableTemplate(f"{path}: {error}") from error
    missing = {stack.template: "the release has no such file" for stack in stacks if stack.template not in files}
    roots = {stack.template: (stack.name, stack.parameters) for stack in stacks if stack.template in files}
    released = ReleasedChanges(changes, database) if database and database.engine else None
    return Target(path, files, roots, missing, changes=released)
