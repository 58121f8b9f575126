"""``release.yaml``: a release's manifest."""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal, TypeAlias

from belay.errors import InvalidRelease
from belay.release.archive import MANIFEST, Archive
from belay.release.directory import name_problem
from belay.release.document import Node, Number, Problems, UnreadableDocument, load_document, quote
from belay.release.names import NAME, NAME_RULE
from belay.release.version import Version
from belay.sql.changes import Engine, Format

CAPABILITIES: Final = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html"""

INJECTED: Final = ("ReleaseBucket", "ReleasePrefix")
"""Parameters that Belay sets if a template declares them."""

_PARAMETER_NAME: Final = re.compile(r"[A-Za-z0-9]{1,255}")
LONGEST_PARAMETER: Final = 4096
_MOST_PARAMETERS: Final = 200
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

_LONGEST_DESCRIPTION: Final = 1024
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ManifestStack:
    """One stack of a release, by the name it is registered under. Parameters are CloudFormation strings."""

    name: str
    template: str
    parameters: Mapping[str, str]
    capabilities: tuple[str, ...]
    depends_on: tuple[str, ...]


When: TypeAlias = Literal["before", "after"]
_WHEN: Final[tuple[When, ...]] = ("before", "after")


@dataclass(frozen=True)
class SchemaRange:
    """The database schema's version before and after a release, which works with both and those in between."""

    before: str
    after: str


@dataclass(frozen=True)
class Apply:
    """When a release's database changes are applied: before or after one of its stacks is changed."""

    when: When
    stack: str


@dataclass(frozen=True)
class DatabaseChanges:
    """The directory that holds a release's database changes, and their format, None to detect it by the file names.

    ``database`` is the registered name of the database, for stages that have several; ``apply`` None is before all
    stacks. ``engine`` None: the changes are not checked. ``applied_by`` is the stack that applies the changes to a
    database without an executor.
    """

    changes: str
    engine: Engine | None = None
    format: Format | None = None
    database: str | None = None
    schema: SchemaRange | None = None
    apply: Apply | None = None
    applied_by: str | None = None


@dataclass(frozen=True)
class Manifest:
    """A release's own description. ``digests`` maps the path of every other file to its SHA-256 in lower-case hex."""

    application: str
    version: Version
    description: str
    downgrade: bool
    stacks: tuple[ManifestStack, ...]
    database: DatabaseChanges | None
    digests: Mapping[str, str]

    def template_digest(self, stack: str) -> str:
        """Return the SHA-256 of a stack's template."""
        return next(self.digests[each.template] for each in self.stacks if each.name == stack)


def parse_manifest(data: bytes) -> Manifest:
    """Read a built release's ``release.yaml``.

    Raises InvalidRelease with every problem found, each with its path in the document.
    """
    manifest, problems = examine_manifest(data, None)
    if manifest is None or problems:
        raise InvalidRelease(problems)
    return manifest


def examine_manifest(data: bytes, files: Collection[str] | None) -> tuple[Manifest | None, list[str]]:
    """Read a ``release.yaml`` as far as possible, and return it with every problem found.

    ``files`` are the paths of a release that is not built yet and has no digests; None means a built one. Invalid parts
    of the manifest have neutral values; it is None if it cannot be read at all.
    """
    try:
        document = load_document(data.decode())
    except UnicodeDecodeError as error:
        return None, [f"{MANIFEST}: expected UTF-8 text, found other bytes at {error.start}"]
    except UnreadableDocument as error:
        return None, [f"{MANIFEST}: {error}"]
    problems = Problems()
    return _manifest(Node(document, "", problems), files), problems.told(MANIFEST)


def _manifest(node: Node, files: Collection[str] | None) -> Manifest:
    required, optional = ["application", "version", "stacks"], ["description", "downgrade", "database"]
    built = files is None
    fields = node.fields([*required, "digests"] if built else required, optional if built else [*optional, "digests"])
    if not built and fields["digests"].present:
        fields["digests"].note("the build computes these; omit them")
    digests = _digests(fields["digests"]) if built else {}
    paths = digests if files is None else files
    stacks = _stacks(fields["stacks"], paths)
    return Manifest(
        application=fields["application"].text(NAME, NAME_RULE),
        version=_version(fields["version"]),
        description=_description(fields["description"]),
        downgrade=fields["downgrade"].boolean(),
        stacks=stacks,
        database=_database(fields["database"], [stack.name for stack in stacks], paths),
        digests=digests,
    )


def _version(node: Node) -> Version:
    try:
        return Version.parse(node.value if isinstance(node.value, str) else "")
    except ValueError as error:
        node.wrong(str(error).removeprefix("expected "))
        return Version(0, 0, 0)


def _description(node: Node) -> str:
    text = node.text()
    if len(text) > _LONGEST_DESCRIPTION:
        node.note(f"expected at most {_LONGEST_DESCRIPTION} characters, found {len(text)}")
    return text


def _stacks(node: Node, paths: Collection[str]) -> tuple[ManifestStack, ...]:
    stacks: list[ManifestStack] = []
    if node.value == []:
        node.wrong("at least one stack")
    for item in node.items("a list of stacks"):
        stacks.append(_stack(item, [earlier.name for earlier in stacks], paths))
    return tuple(stacks)


def _stack(node: Node, earlier: list[str], paths: Collection[str]) -> ManifestStack:
    fields = node.fields(["name", "template"], ["parameters", "capabilities", "depends_on"])
    name = fields["name"].text(NAME, NAME_RULE)
    if name and name in earlier:
        fields["name"].note(f"duplicate stack {quote(name)}")
    template = _path(fields["template"])
    if template and template not in paths:
        fields["template"].note(f"the release has no file {quote(template)}")
    for dependency in fields["depends_on"].items("a list of stacks"):
        if dependency.value not in earlier:
            dependency.wrong("the name of an earlier stack in this list")
    return ManifestStack(
        name=name,
        template=template,
        parameters=read_parameters(fields["parameters"]),
        capabilities=read_capabilities(fields["capabilities"]),
        depends_on=fields["depends_on"].texts(NAME, "the name of a stack"),
    )


def read_capabilities(node: Node) -> tuple[str, ...]:
    """Read a list of CloudFormation capabilities."""
    return node.texts(re.compile("|".join(CAPABILITIES)), f"one of {', '.join(CAPABILITIES)}")


def read_parameters(node: Node) -> dict[str, str]:
    """Read CloudFormation parameters: scalars, or lists of scalars, as the strings that CloudFormation takes.

    A number keeps its original text, ``true`` becomes ``"true"``, a list becomes its items joined by commas
    (CommaDelimitedList and the List types take nothing else).
    """
    parameters: dict[str, str] = {}
    for name, value in node.entries("a mapping of parameters").items():
        note_parameter_name(name, value)
        parameters[name] = _parameter(value)
        if len(parameters[name].encode(errors="replace")) > LONGEST_PARAMETER:
            value.note(f"expected at most {LONGEST_PARAMETER} bytes, found {len(parameters[name].encode())}")
    if len(parameters) > _MOST_PARAMETERS:
        node.note(f"expected at most {_MOST_PARAMETERS} parameters, found {len(parameters)}")
    return parameters


def note_parameter_name(name: str, node: Node) -> None:
    """Note what is wrong with the name of a parameter."""
    if name in INJECTED:
        node.note("Belay sets this parameter itself where the template declares it; leave it out")
    elif not _PARAMETER_NAME.fullmatch(name):
        node.note("expected a parameter's name of at most 255 letters and digits")


def _parameter(node: Node) -> str:
    if not isinstance(node.value, list):
        return _scalar(node, "text, a number, true or false, or a list of these ('' for an empty value)")
    values = [_scalar(item, "text, a number, true or false") for item in node.items()]
    for item, value in zip(node.items(), values, strict=True):
        if "," in value:
            item.note("an item of a list cannot have a comma, because CloudFormation takes lists joined by commas")
    return ",".join(values)


def _scalar(node: Node, expected: str) -> str:
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    if isinstance(node.value, Number):
        return node.value.text
    if isinstance(node.value, str):
        return node.value
    node.wrong(expected)
    return ""


def _database(node: Node, stacks: list[str], paths: Collection[str]) -> DatabaseChanges | None:
    if not node.present:
        return None
    fields = node.fields(["changes"], ["engine", "format", "database", "schema", "apply", "applied_by"])
    changes = _path(fields["changes"])
    if changes and not any(path.startswith(f"{changes}/") for path in paths):
        fields["changes"].note(f"the release has no file in a directory {quote(changes)}")
    database, applied_by = fields["database"], fields["applied_by"]
    if applied_by.value not in stacks:
        applied_by.wrong("the name of one of this release's stacks")
    if applied_by.present and fields["apply"].present:
        applied_by.note("expected either apply, for an executor, or applied_by, for a stack")
    return DatabaseChanges(
        changes=changes,
        engine=fields["engine"].one_of(tuple(Engine), Engine.POSTGRESQL) if fields["engine"].present else None,
        format=fields["format"].one_of(tuple(Format), Format.PLAIN) if fields["format"].present else None,
        database=database.text(None, "the registered name of a database") if database.present else None,
        schema=_schema(fields["schema"]),
        apply=_apply(fields["apply"], stacks),
        applied_by=applied_by.text() if applied_by.present else None,
    )


def _apply(node: Node, stacks: list[str]) -> Apply | None:
    if not node.present:
        return None
    fields = node.fields([], [*_WHEN])
    given = [when for when in _WHEN if fields[when].present]
    if isinstance(node.value, dict) and len(given) != 1:
        node.note("expected either before or after, with the name of a stack")
    when = given[0] if given else "before"
    if fields[when].value not in stacks:
        fields[when].wrong("the name of one of this release's stacks")
    return Apply(when, fields[when].text())


def _schema(node: Node) -> SchemaRange | None:
    if not node.present:
        return None
    fields = node.fields(["from", "to"])
    return SchemaRange(_scalar(fields["from"], "a version"), _scalar(fields["to"], "a version"))


def _path(node: Node) -> str:
    path = node.text(None, "a path in the release").removesuffix("/")
    if path and (problem := name_problem(path)):
        node.note(f"{quote(path)}: {problem}")
    return path


def _digests(node: Node) -> dict[str, str]:
    digests: dict[str, str] = {}
    for path, value in node.entries("a mapping of each file's path to its SHA-256").items():
        if path == MANIFEST:
            value.note("the manifest cannot hold its own digest; leave it out")
        elif problem := name_problem(path):
            value.note(problem)
        digests[path] = value.text(_DIGEST, "a SHA-256 of 64 lower-case hexadecimal digits")
    return digests


def read_manifest(archive: Archive) -> Manifest:
    """Read an archive's manifest. Raises InvalidRelease with every problem found, or if there is no manifest."""
    if MANIFEST not in archive:
        alike = [
            quote(member.name) for member in archive.members if PurePosixPath(member.name).name.lower() == MANIFEST
        ]
        found = (
            f"found {', '.join(alike[:3])}: zip what the directory holds, not the directory" if alike else "found none"
        )
        raise InvalidRelease([f"{MANIFEST}: expected at the top of the archive, {found}"])
    return parse_manifest(archive.read(MANIFEST, archive.limits.manifest_size))


def verify_members(manifest: Manifest, archive: Archive) -> None:
    """Check that the archive holds exactly the files with digests in the manifest, and the templates it names.

    Reads no file. Raises InvalidRelease with every problem found.
    """
    problems = Problems()
    names = {member.name for member in archive.members} - {MANIFEST}
    for name in sorted(names - manifest.digests.keys()):
        problems.add(quote(name), f"in the archive, but {MANIFEST} has no digest of it")
    for name in sorted(manifest.digests.keys() - names):
        problems.add(quote(name), f"{MANIFEST} has a digest of it, but it is not in the archive")
    for template in sorted({stack.template for stack in manifest.stacks} & names):
        size, most = archive.member(template).size, archive.limits.template_size
        if size > most:
            problems.add(quote(template), f"expected a template of at most {most} bytes, found {size}")
    problems.raise_as(InvalidRelease)


def read_verified(archive: Archive, manifest: Manifest, name: str) -> bytes:
    """Read a template or another document of at most a template's size, and check its digest.

    Raises InvalidRelease if it is missing, too large, damaged or differs from the manifest.
    """
    data = archive.read(name)
    _check_digest(manifest, name, digest(data))
    return data


class ArchivedFiles(Mapping[str, bytes]):
    """The files of a release by path, each read from its archive and checked when it is first used."""

    def __init__(self, archive: Archive, manifest: Manifest) -> None:
        self._archive = archive
        self._manifest = manifest

    def __getitem__(self, path: str) -> bytes:
        """Return a file. Raises ``InvalidRelease`` like ``read_verified``."""
        if path not in self._manifest.digests:
            raise KeyError(path)
        return read_verified(self._archive, self._manifest, path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._manifest.digests)

    def __len__(self) -> int:
        return len(self._manifest.digests)


def stream_verified(archive: Archive, manifest: Manifest, name: str) -> Iterator[bytes]:
    """Stream a member in pieces of at most 1 MiB, checking its digest.

    Raises InvalidRelease, at the latest after the last piece: a copy is complete only if it ended without it.
    """
    sha256 = hashlib.sha256()
    for chunk in archive.stream(name):
        sha256.update(chunk)
        yield chunk
    _check_digest(manifest, name, sha256.hexdigest())


def digest(data: bytes) -> str:
    """Return the SHA-256 in lower-case hex, as in manifests."""
    return hashlib.sha256(data).hexdigest()


def _check_digest(manifest: Manifest, name: str, found: str) -> None:
    expected = manifest.digests.get(name)
    if found != expected:
        raise InvalidRelease([f"{quote(name)}: expected SHA-256 {expected}, found {found}"])
