"""What ``belay validate`` is pointed at: a template, a folder, a release's zip."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from belay.errors import BelayError, UnreadableTemplate
from belay.template.limits import MAX_BYTES

EXTENSIONS = (".yaml", ".yml", ".json", ".template")
SIGNS = (b"AWSTemplateFormatVersion", b"AWS::")
"""What a file in a folder holds, if it is meant as a template."""
ZIP_SIGNATURE = b"PK\x03\x04"


class Folder(Mapping[str, bytes]):
    """The files under a folder by their path in it, read when they are asked for."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __getitem__(self, path: str) -> bytes:
        """Give a file's bytes; one byte more than a template may have at most, so that it is refused for its size."""
        try:
            with open(os.path.join(self.folder, path), "rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise KeyError(path) from error

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and os.path.isfile(os.path.join(self.folder, path))

    def __iter__(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                yield os.path.relpath(os.path.join(folder, name), self.folder)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True)
class Target:
    """Templates that belong together, and which of them to start from.

    ``shown`` is what stands before their paths in findings. ``roots`` gives for each template to start from the stack
    it is for (empty where that is not told) and the parameters that the release passes.
    """

    shown: str
    files: Mapping[str, bytes]
    roots: Mapping[str, tuple[str, Mapping[str, str]]]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    nested: bool = False
    """Whether some of the roots may be nested in others."""


def read_target(path: str) -> Target:
    """Find out what a path is; raises :class:`UnreadableTemplate` where it is nothing that can be read."""
    if os.path.isdir(path):
        return _folder(path)
    try:
        with open(path, "rb") as file:
            start = file.read(len(ZIP_SIGNATURE))
    except OSError as error:
        raise UnreadableTemplate(f"{path}: {error.strerror}.") from error
    if start == ZIP_SIGNATURE:
        return _zip(path)
    folder, name = os.path.split(path)
    return Target(folder, Folder(folder or "."), {name: ("", {})})


def _folder(path: str) -> Target:
    files = Folder(path)
    roots = {name: ("", {}) for name in files if name.endswith(EXTENSIONS) and _looks_like_template(files, name)}
    return Target(path, files, roots, nested=True)


def _looks_like_template(files: Mapping[str, bytes], name: str) -> bool:
    data = files[name] if name in files else b""
    return any(sign in data for sign in SIGNS)


def _zip(path: str) -> Target:
    from pathlib import Path

    from belay.release.archive import open_archive
    from belay.release.manifest import MANIFEST, read_manifest
    from cli.reader import FileReader

    try:
        archive = open_archive(FileReader(Path(path)))
        names = [member.name for member in archive.members if member.name.endswith(EXTENSIONS)]
        files = {name: archive.read(name) for name in names if archive.member(name).size <= MAX_BYTES}
        if MANIFEST not in archive:
            roots = {name: ("", {}) for name in files if _looks_like_template(files, name)}
            return Target(path, files, roots, nested=True)
        stacks = read_manifest(archive).stacks
    except BelayError as error:
        raise UnreadableTemplate(f"{path}: {error}") from error
    missing = {stack.template: "the release has no such file" for stack in stacks if stack.template not in files}
    return Target(
        path,
        files,
        {stack.template: (stack.name, stack.parameters) for stack in stacks if stack.template in files},
        missing,
    )
