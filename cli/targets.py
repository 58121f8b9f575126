"""What ``belay validate`` checks: a template, a folder, a release's zip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from belay.errors import BelayError, UnreadableTemplate
from belay.template.limits import MAX_BYTES

EXTENSIONS = (".yaml", ".yml", ".json", ".template")
SIGNS = (b"AWSTemplateFormatVersion", b"AWS::", b"::MODULE")
"""What a template contains."""
ZIP_SIGNATURE = b"PK\x03\x04"

Roots = Mapping[str, tuple[str, Mapping[str, str]]]


class Folder(Mapping[str, bytes]):
    """The files in a folder by relative path, read on demand, without hidden ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, path: str) -> bytes:
        """Return a file's bytes, up to one more than a template may have, so that it is refused for its size."""
        try:
            with (self.folder / path).open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise KeyError(path) from error

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and (self.folder / path).is_file()

    def __iter__(self) -> Iterator[str]:
        for path in sorted(self.folder.rglob("*")):
            relative = path.relative_to(self.folder)
            if not any(part.startswith(".") for part in relative.parts) and path.is_file():
                yield relative.as_posix()

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True)
class Target:
    """Templates that belong together, and which of them to start from.

    ``shown`` is what stands before their paths in findings. ``roots`` gives for each template to start from the stack
    it is for (empty where that is not told) and the parameters that the release passes. ``unreadable`` gives by path
    why a file that is asked for cannot be read. ``nested`` says that some of the roots may be nested in others.
    """

    shown: str
    files: Mapping[str, bytes]
    roots: Roots
    unreadable: Mapping[str, str] = field(default_factory=dict)
    nested: bool = False


def read_target(path: str) -> Target:
    """Find out what a path is; raises :class:`UnreadableTemplate` if it cannot be read."""
    given = Path(path)
    if given.is_dir():
        files = Folder(given)
        roots = _templates(files, (name for name in files if name.endswith(EXTENSIONS)), path)
        return Target(path, files, roots, nested=True)
    try:
        with given.open("rb") as file:
            start = file.read(len(ZIP_SIGNATURE))
    except OSError as error:
        raise UnreadableTemplate(f"{path}: {error.strerror}.") from error
    if start == ZIP_SIGNATURE:
        return _zip(path)
    folder = given.parent
    return Target("" if folder == Path() else str(folder), Folder(folder), {given.name: ("", {})})


def _templates(files: Mapping[str, bytes], names: Iterable[str], path: str) -> Roots:
    """Refuse a folder without templates, which is probably the wrong one."""
    roots: Roots = {name: ("", {}) for name in names if any(sign in files.get(name, b"") for sign in SIGNS)}
    if not roots:
        raise UnreadableTemplate(f"{path}: expected a template in it ({', '.join(EXTENSIONS)}), found none.")
    return roots


def _zip(path: str) -> Target:
    # Only archives need these, and they take as long to import as a small template to check.
    from belay.release.archive import MANIFEST, open_archive  # noqa: PLC0415
    from belay.release.manifest import read_manifest  # noqa: PLC0415
    from cli.reader import FileReader  # noqa: PLC0415

    try:
        archive = open_archive(FileReader(Path(path)))
        names = [member.name for member in archive.members if member.name.endswith(EXTENSIONS)]
        files = {name: archive.read(name) for name in names if archive.member(name).size <= MAX_BYTES}
        if MANIFEST not in archive:
            return Target(path, files, _templates(files, files, path), nested=True)
        stacks = read_manifest(archive).stacks
    except BelayError as error:
        raise UnreadableTemplate(f"{path}: {error}") from error
    missing = {stack.template: "the release has no such file" for stack in stacks if stack.template not in files}
    roots = {stack.template: (stack.name, stack.parameters) for stack in stacks if stack.template in files}
    return Target(path, files, roots, missing)
