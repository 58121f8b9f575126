"""Writes a release's directory from one without stacks and from what an assembly gives."""

from __future__ import annotations

import json
import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from belay.errors import InvalidRelease
from belay.release.archive import MANIFEST
from belay.release.document import UnreadableDocument, load_document
from cli.assembly.cloud_assembly import AssembledRelease, FileAsset
from cli.zip_entries import entry


def write_directory(source: Path, assembled: AssembledRelease, into: Path) -> None:
    """Write ``source`` and an assembly into an empty directory, to be built as a release.

    ``source`` has a ``release.yaml`` without stacks, and other files of the release. Raises ``InvalidRelease`` if it
    has stacks, or a file in the place of one of the assembly's.
    """
    shutil.copytree(source, into, symlinks=True, dirs_exist_ok=True)
    _write_manifest(into / MANIFEST, assembled)
    taken = [path for path in (*assembled.templates, *assembled.assets) if (into / path).exists()]
    if taken:
        raise InvalidRelease([f"{source / path}: the assembly has a file of this name; move yours" for path in taken])
    for path, template in assembled.templates.items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_bytes(template)
    for path, asset in assembled.assets.items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        _write_asset(into / path, asset)


def _write_manifest(path: Path, assembled: AssembledRelease) -> None:
    """Append the stacks to the author's text, so that it keeps its comments. JSON is YAML."""
    if not path.is_file():
        raise InvalidRelease([f"{path.name}: expected it in the directory, without stacks; found no such file"])
    source = path.read_bytes()
    try:
        document = load_document(source.decode())
    except (UnicodeDecodeError, UnreadableDocument) as error:
        raise InvalidRelease([f"{MANIFEST}: {error}"]) from error
    if isinstance(document, dict) and "stacks" in document:
        raise InvalidRelease([f"{MANIFEST}: stacks: the assembly has them; leave the key out"])
    lines = [f"  - {json.dumps(stack)}\n" for stack in assembled.stacks]
    path.write_bytes(source.rstrip() + "".join(["\nstacks:\n", *lines]).encode())


def _write_asset(path: Path, asset: FileAsset) -> None:
    if not asset.zipped:
        shutil.copyfile(asset.source, path)
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _files(asset.source):
            # Lambda runs a file named bootstrap, and others that code starts, only if they may be run.
            runnable = bool(file.stat().st_mode & stat.S_IXUSR)
            member = entry(file.relative_to(asset.source).as_posix(), runnable=runnable)
            member.file_size = file.stat().st_size
            with file.open("rb") as origin, archive.open(member, "w") as target:
                shutil.copyfileobj(origin, target)


def _files(directory: Path) -> Iterator[Path]:
    """Yield a directory's files in an order that is the same everywhere. Raises ``InvalidRelease`` for a link."""
    for folder, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted([*names, *(each for each in folders if Path(folder, each).is_symlink())]):
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file():
                raise InvalidRelease([f"{path}: expected a regular file in an asset, found a link or a special file"])
            yield path
