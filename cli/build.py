"""``belay release build DIR``: builds a release's zip from a directory, or reports everything wrong with it."""

import hashlib
import json
import os
import shutil
import sys
import zipfile
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from belay.errors import InvalidRelease, UnreadableTemplate
from belay.release.archive import MANIFEST, open_archive
from belay.release.directory import name_clashes, name_problem
from belay.release.document import UnreadableDocument, load_document, quote
from belay.release.manifest import (
    Manifest,
    ManifestStack,
    examine_manifest,
    read_manifest,
    stream_verified,
    verify_members,
)
from belay.template.loader import load
from belay.wording import counted
from cli.assembly.cloud_assembly import AssembledRelease, read_assembly
from cli.assembly.sam_build import read_builds
from cli.assembly.synthesis import synthesise
from cli.assembly.writing import write_directory
from cli.options import argument
from cli.reader import FileReader
from cli.zip_entries import entry

_PIECE: Final = 1024 * 1024


@dataclass(frozen=True)
class BuiltRelease:
    """A release's zip. ``size`` is in bytes; ``left_out`` are files that are not in the zip."""

    path: Path
    application: str
    version: str
    files: int
    size: int
    sha256: str
    left_out: tuple[str, ...]


@click.command()
@argument("directory", type=click.Path(path_type=Path), help="directory with release.yaml and the files to ship")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="default: <application>-<version>.zip")
@click.option(
    "--cdk-out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="the assembly that `cdk synth` wrote: its stacks and assets are the release's",
)
@click.option(
    "--app",
    metavar="COMMAND",
    help="instead of --cdk-out: a CDK application's command, or the cdk.json that has it, run as `cdk synth` runs it",
)
@click.option(
    "--sam",
    "sam_builds",
    multiple=True,
    metavar="NAME=DIR",
    help="the folder that `sam build` wrote for a stack of this name; once for each, in the order of deployment",
)
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="NAME=URI",
    help="with --cdk-out, --app or --sam: the URI with the digest of an image; once for each",
)
def command(
    directory: Path,
    *,
    output: Path | None,
    cdk_out: Path | None,
    app: str | None,
    sam_builds: tuple[str, ...],
    images: tuple[str, ...],
) -> int:
    """Build a release's zip from a directory and print its name, version, size and SHA-256.

    Or print every problem and build nothing.
    """
    builds = [name for name, given in {"--cdk-out": cdk_out, "--app": app, "--sam": sam_builds}.items() if given]
    if len(builds) > 1:
        raise click.UsageError(f"expected --cdk-out, --app or --sam, found {' and '.join(builds)}")
    if images and not builds:
        raise click.UsageError("--image names an image of a build: expected --cdk-out, --app or --sam with it")
    folders = {name: Path(folder) for name, folder in _named("--sam", sam_builds).items()}
    uris = _named("--image", images)
    try:
        if cdk_out is not None:
            built = build_assembled(directory, read_assembly(cdk_out, uris), output)
        elif app is not None:
            built = build_application(directory, app, uris, output)
        elif folders:
            built = build_assembled(directory, read_builds(folders, uris), output)
        else:
            built = build_release(directory, output)
    except InvalidRelease as error:
        print(f"{directory} is not a valid release:", file=sys.stderr)
        print(*(f"  {problem}" for problem in error.problems), sep="\n", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{directory} could not be built: {error}", file=sys.stderr)
        return 1
    if built.left_out:
        print(f"left out: {', '.join(built.left_out)} (hidden files are not part of a release)", file=sys.stderr)
    print(f"release  {built.application} {built.version}")
    print(f"file     {built.path}")
    print(f"size     {built.size} bytes, {counted(built.files, 'file')}")
    print(f"sha-256  {built.sha256}")
    return 0


def _named(option: str, given: tuple[str, ...]) -> dict[str, str]:
    named = {name: value for name, mark, value in (each.partition("=") for each in given) if name and mark and value}
    if len(named) != len(given):
        raise click.UsageError(f"{option}: expected NAME=VALUE, each name once, found {', '.join(given)}")
    return named


def build_application(directory: Path, app: str, images: Mapping[str, str], output: Path | None = None) -> BuiltRelease:
    """Run a CDK application and build what it and a directory make together. Raises as ``build_release``."""
    with TemporaryDirectory() as folder:
        project = synthesise(app, Path(folder))
        return build_assembled(directory, read_assembly(Path(folder), images, project), output)


def build_assembled(directory: Path, assembled: AssembledRelease, output: Path | None = None) -> BuiltRelease:
    """Build what a directory, whose ``release.yaml`` has no stacks, and the output of another tool make together.

    Raises as ``build_release``.
    """
    with TemporaryDirectory() as folder:
        write_directory(directory, assembled, Path(folder))
        return build_release(Path(folder), output)


def build_release(directory: Path, output: Path | None = None) -> BuiltRelease:
    """Build the zip of a directory with a ``release.yaml`` without digests; the same files give the same bytes.

    Files and directories whose names begin with a dot are left out. Raises InvalidRelease with every problem found, and
    then leaves an existing zip at ``output`` unchanged.
    """
    source = _read_source(directory)
    files, left_out, problems = _collect(directory)
    manifest, found = examine_manifest(source, files)
    problems += found
    if manifest:
        problems += _style_problems(source)
        problems += [problem for stack in manifest.stacks for problem in _template_problems(directory, stack, files)]
        output = output or Path(f"{manifest.application}-{manifest.version}.zip")
    if output and directory.resolve() in output.resolve().parents:
        problems.append(f"{output}: the zip would be inside the directory it is built from; choose another --output")
    if output and not output.parent.is_dir():
        problems.append(f"{output}: there is no directory {output.parent}; create it, or choose another --output")
    if manifest is None or output is None or problems:
        raise InvalidRelease(problems)
    partial = output.with_name(f".{output.name}.partial")
    try:
        _write(partial, directory, source, _order(manifest, files))
        read_back(partial)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    return BuiltRelease(
        path=output,
        application=manifest.application,
        version=str(manifest.version),
        files=len(files) + 1,
        size=output.stat().st_size,
        sha256=sha256_of(output),
        left_out=tuple(left_out),
    )


def _collect(directory: Path) -> tuple[list[str], list[str], list[str]]:
    """Return the paths of the files to ship besides the manifest, the paths left out, and every problem."""
    files: list[str] = []
    left_out: list[str] = []
    problems: list[str] = []
    for folder, folders, names in os.walk(directory, onerror=_raise):
        folders.sort()
        for name in sorted([*folders, *names]):
            path = Path(folder, name)
            relative = path.relative_to(directory).as_posix()
            if name.startswith("."):
                left_out.append(relative)
            elif problem := _entry_problem(path, relative):
                problems.append(f"{quote(relative)}: {problem}")
            elif path.is_file() and relative != MANIFEST:
                files.append(relative)
        folders[:] = [name for name in folders if not name.startswith(".")]
    problems += [f"{quote(name)}: {problem}" for name, problem in name_clashes([MANIFEST, *files])]
    return sorted(files), left_out, problems


def _raise(error: OSError) -> None:
    raise error


def _entry_problem(path: Path, relative: str) -> str | None:
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        return "expected a regular file, found a link or a special file"
    return name_problem(relative)


def _read_source(directory: Path) -> bytes:
    if not directory.is_dir():
        raise InvalidRelease([f"{directory}: expected a directory with {MANIFEST}, found no directory"])
    path = directory / MANIFEST
    if not path.is_file():
        raise InvalidRelease([f"{path}: expected the release's manifest, found no such file"])
    return path.read_bytes()


def _style_problems(source: bytes) -> Iterator[str]:
    try:
        load_document(source.rstrip().decode() + "\nappended:\n")
    except UnreadableDocument:
        yield f"{MANIFEST}: the build appends the digests, so use YAML's block style without a final `...`"


def _template_problems(directory: Path, stack: ManifestStack, files: list[str]) -> Iterator[str]:
    if stack.template not in files:
        return
    try:
        template = load((directory / stack.template).read_bytes(), stack.template)
    except UnreadableTemplate as error:
        yield str(error)
        return
    for name in stack.parameters.keys() - template.section("Parameters").entries.keys():
        yield f"{MANIFEST}: stacks.{stack.name}.parameters.{name}: {stack.template} declares no such parameter"


def _order(manifest: Manifest, files: list[str]) -> list[str]:
    """Put the templates first: Belay reads them to accept the release, and needs fewer reads this way."""
    templates = {stack.template for stack in manifest.stacks}
    return sorted(files, key=lambda name: (name not in templates, name))


def _write(path: Path, directory: Path, source: bytes, files: list[str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry(MANIFEST), _with_digests(source, {name: sha256_of(directory / name) for name in files}))
        for name in files:
            member = entry(name)
            member.file_size = (directory / name).stat().st_size  # decides whether the entry needs ZIP64
            with (directory / name).open("rb") as origin, archive.open(member, "w") as target:
                shutil.copyfileobj(origin, target, _PIECE)


def read_back(path: Path) -> Manifest:
    """Read a zip as Belay does, checking every limit, header, CRC and digest; raises Belay's errors."""
    archive = open_archive(FileReader(path))
    manifest = read_manifest(archive)
    verify_members(manifest, archive)
    for member in archive.members:
        if member.name != MANIFEST:
            deque(stream_verified(archive, manifest, member.name), maxlen=0)
    return manifest


def _with_digests(source: bytes, digests: Mapping[str, str]) -> bytes:
    """Append the digests to the author's text, so that it keeps its comments. A JSON string is also a YAML string."""
    lines = [f"  {json.dumps(name, ensure_ascii=False)}: {digests[name]}\n" for name in sorted(digests)]
    return source.rstrip() + "".join(["\ndigests:\n", *lines]).encode()


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
