import textwrap
from collections.abc import Mapping

import pytest
from raw_zip import BytesReader, Entry, zip_bytes

from belay.errors import InvalidRelease
from belay.release.archive import Archive, open_archive
from belay.release.directory import Limits
from belay.release.manifest import (
    Apply,
    DatabaseChanges,
    Manifest,
    ManifestStack,
    SchemaRange,
    digest,
    examine_manifest,
    parse_manifest,
    read_manifest,
    read_verified,
    stream_verified,
    verify_members,
)
from belay.release.version import Version
from belay.sql.changes import Engine, Format

SHA = "0" * 64
SMALLEST = f"""
application: orders
version: 1.2.0
stacks: [{{name: network, template: templates/network.yaml}}]
digests: {{templates/network.yaml: {SHA}}}
"""
WHOLE = f"""
application: orders
version: 1.2.0-rc.1
description: Adds refunds.
downgrade: true
stacks:
  - name: network
    template: templates/network.yaml
    parameters:
      Text: plain
      Quoted: "1.0"
      Empty: ''
      Yes: yes
      Enabled: true
      Disabled: FALSE
      Account: 012345678901
      Version: 1.10
      Zones: [eu-west-1a, eu-west-1b]
      Mixed: [1, true, x]
      None: []
    capabilities: [CAPABILITY_NAMED_IAM, CAPABILITY_AUTO_EXPAND]
  - name: service
    template: templates/service.yaml
    depends_on: [network]
database:
  changes: database/changes/
  engine: postgresql
  format: flyway
  database: orders
  schema: {{from: 12, to: "014"}}
  apply: {{after: network}}
digests:
  templates/network.yaml: {SHA}
  templates/service.yaml: {SHA}
  database/changes/0013.sql: {SHA}
"""


def test_the_smallest_manifest() -> None:
    assert parse_manifest(SMALLEST.encode()) == Manifest(
        application="orders",
        version=Version(1, 2, 0),
        description="",
        downgrade=False,
        stacks=(ManifestStack("network", "templates/network.yaml", {}, (), ()),),
        database=None,
        digests={"templates/network.yaml": SHA},
    )


def test_a_whole_manifest() -> None:
    manifest = parse_manifest(WHOLE.encode())

    assert (str(manifest.version), manifest.description, manifest.downgrade) == ("1.2.0-rc.1", "Adds refunds.", True)
    assert manifest.stacks[0].parameters == {
        "Text": "plain",
        "Quoted": "1.0",
        "Empty": "",
        "Yes": "yes",
        "Enabled": "true",
        "Disabled": "false",
        "Account": "012345678901",
        "Version": "1.10",
        "Zones": "eu-west-1a,eu-west-1b",
        "Mixed": "1,true,x",
        "None": "",
    }
    assert manifest.stacks[0].capabilities == ("CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
    assert manifest.stacks[1].depends_on == ("network",)
    assert manifest.database == DatabaseChanges(
        changes="database/changes",
        engine=Engine.POSTGRESQL,
        format=Format.FLYWAY,
        database="orders",
        schema=SchemaRange("12", "014"),
        apply=Apply("after", "network"),
    )


# What a line of the smallest manifest is replaced with, and every problem that follows.
UNKNOWN = "known are application, version, stacks, digests, description, downgrade, database"
NAME_RULE = "a name of at most 40 letters, digits and hyphens that begins with a letter"
VERSION_RULE = "a semantic version of at most 100 characters, such as 1.4.0 or 2.0.0-rc.1"
DIGEST_RULE = "a SHA-256 of 64 lower-case hexadecimal digits"
SCALAR_RULE = "text, a number, true or false"
VALUE_RULE = f"{SCALAR_RULE}, or a list of these ('' for an empty value)"
CAPABILITY_RULE = "one of CAPABILITY_IAM, CAPABILITY_NAMED_IAM, CAPABILITY_AUTO_EXPAND"
WRONG: dict[str, tuple[str, str, list[str]]] = {
    "unknown key": ("application:", "aplication:", [f"aplication: unknown key; {UNKNOWN}", "application: missing"]),
    "application": ("orders", "Web Shop", [f"application: expected {NAME_RULE}, found 'Web Shop'"]),
    "version of two parts": ("1.2.0", "1.2", [f"version: expected {VERSION_RULE}, found the number 1.2"]),
    "version with a v": ("1.2.0", "v1.2.0", [f"version: expected {VERSION_RULE}, found 'v1.2.0'"]),
    "no version": ("1.2.0", "", [f"version: expected {VERSION_RULE}, found nothing"]),
    "description": ("stacks:", "description: [a]\nstacks:", ["description: expected text, found a list"]),
    "long description": (
        "stacks:",
        f"description: {'x' * 1025}\nstacks:",
        ["description: expected at most 1024 characters, found 1025"],
    ),
    "downgrade": ("stacks:", "downgrade: yes\nstacks:", ["downgrade: expected true or false, found 'yes'"]),
    "no stacks": (
        "[{name: network, template: templates/network.yaml}]",
        "[]",
        ["stacks: expected at least one stack, found a list"],
    ),
    "stacks as a mapping": (
        "[{name: network, template: templates/network.yaml}]",
        "{network: templates/network.yaml}",
        ["stacks: expected a list of stacks, found a mapping"],
    ),
    "stack as text": (
        "{name: network, template: templates/network.yaml}",
        "network",
        [
            "stacks[0]: expected a mapping with name, template, parameters, capabilities, depends_on, found 'network'",
        ],
    ),
    "stack without a template": (
        "network, template: templates/network.yaml",
        "network",
        ["stacks[0].template: missing"],
    ),
    "unknown template": (
        "template: templates/network.yaml",
        "template: templates/netwrok.yaml",
        ["stacks[0].template: the release has no file 'templates/netwrok.yaml'"],
    ),
    "template elsewhere": (
        "template: templates/network.yaml",
        "template: ../network.yaml",
        [
            "stacks[0].template: '../network.yaml': the path has an empty, `.` or `..` segment",
            "stacks[0].template: the release has no file '../network.yaml'",
        ],
    ),
    "stack twice": (
        "[{name: network,",
        "[{name: network, template: templates/network.yaml}, {name: network,",
        ["stacks[1].name: duplicate stack 'network'"],
    ),
    "depends on a later one": (
        "network.yaml}]",
        "network.yaml, depends_on: [b]}, {name: b, template: templates/network.yaml, depends_on: [network]}]",
        ["stacks[0].depends_on[0]: expected the name of an earlier stack in this list, found 'b'"],
    ),
    "depends on itself": (
        "network.yaml}]",
        "network.yaml, depends_on: [network]}]",
        ["stacks[0].depends_on[0]: expected the name of an earlier stack in this list, found 'network'"],
    ),
    "capabilities": (
        "network.yaml}]",
        "network.yaml, capabilities: [CAPABILITY_ALL, CAPABILITY_IAM, CAPABILITY_IAM]}]",
        [
            f"stacks[0].capabilities[0]: expected {CAPABILITY_RULE}, found 'CAPABILITY_ALL'",
            "stacks[0].capabilities[2]: duplicate 'CAPABILITY_IAM'",
        ],
    ),
    "parameters": (
        "network.yaml}]",
        "network.yaml, parameters: {A: , B: {C: d}, C: [[a]], D: ['a,b'], E-F: x}}]",
        [
            f"stacks[0].parameters.A: expected {VALUE_RULE}, found nothing",
            f"stacks[0].parameters.B: expected {VALUE_RULE}, found a mapping",
            f"stacks[0].parameters.C[0]: expected {SCALAR_RULE}, found a list",
            "stacks[0].parameters.D[0]: an item of a list cannot have a comma, because CloudFormation takes lists"
            " joined by commas",
            "stacks[0].parameters.E-F: expected a parameter's name of at most 255 letters and digits",
        ],
    ),
    "parameters that Belay sets": (
        "network.yaml}]",
        "network.yaml, parameters: {ReleaseBucket: mine, ReleasePrefix: x}}]",
        [
            "stacks[0].parameters.ReleaseBucket: Belay sets this parameter itself where the template declares it; leave"
            " it out",
            "stacks[0].parameters.ReleasePrefix: Belay sets this parameter itself where the template declares it; leave"
            " it out",
        ],
    ),
    "a long parameter": (
        "network.yaml}]",
        f"network.yaml, parameters: {{A: {'x' * 4097}}}}}]",
        ["stacks[0].parameters.A: expected at most 4096 bytes, found 4097"],
    ),
    "many parameters": (
        "network.yaml}]",
        f"network.yaml, parameters: {{{', '.join(f'A{number}: x' for number in range(201))}}}}}]",
        ["stacks[0].parameters: expected at most 200 parameters, found 201"],
    ),
    "database": (
        "digests:",
        "database: {changes: nowhere, engine: sqlite, format: x, database: 1, schema: {from: 1}, "
        "apply: {before: x, after: network}}\ndigests:",
        [
            "database.changes: the release has no file in a directory 'nowhere'",
            "database.engine: expected one of postgresql, mysql, mariadb, oracle, sqlserver, db2, found 'sqlite'",
            "database.format: expected one of plain, flyway, liquibase, found 'x'",
            "database.database: expected the registered name of a database, found the number 1",
            "database.schema.to: missing",
            "database.apply: expected either before or after, with the name of a stack",
            "database.apply.before: expected the name of one of this release's stacks, found 'x'",
        ],
    ),
    "database applied in two ways": (
        "digests:",
        "database: {changes: templates, apply: {during: network}, applied_by: nothing}\ndigests:",
        [
            "database.applied_by: expected the name of one of this release's stacks, found 'nothing'",
            "database.applied_by: expected either apply, for an executor, or applied_by, for a stack",
            "database.apply.during: unknown key; known are before, after",
            "database.apply: expected either before or after, with the name of a stack",
        ],
    ),
    "database as text": (
        "digests:",
        "database: changes\ndigests:",
        [
            "database: expected a mapping with changes, engine, format, database, schema, apply, applied_by, found "
            "'changes'"
        ],
    ),
    "no digests": (
        f"digests: {{templates/network.yaml: {SHA}}}",
        "",
        ["digests: missing", "stacks[0].template: the release has no file 'templates/network.yaml'"],
    ),
    "short digest": (SHA, "abc", [f"digests.'templates/network.yaml': expected {DIGEST_RULE}, found 'abc'"]),
    "digest in upper case": (
        SHA,
        "A" * 64,
        [f"digests.'templates/network.yaml': expected {DIGEST_RULE}, found '{'A' * 64}'"],
    ),
    "digest of the manifest": (
        "digests: {",
        f"digests: {{release.yaml: {'a' * 64}, ",
        ["digests.'release.yaml': the manifest cannot hold its own digest; leave it out"],
    ),
    "digest of a file elsewhere": (
        "digests: {",
        f"digests: {{/etc/passwd: {'a' * 64}, ",
        ["digests.'/etc/passwd': the path is absolute; expected one relative to the release"],
    ),
}
DOCUMENTS: dict[str, tuple[bytes, list[str]]] = {
    "nothing": (b"", [f"release.yaml: expected a mapping with {UNKNOWN.removeprefix('known are ')}, found nothing"]),
    "text": (
        b"orders",
        [f"release.yaml: expected a mapping with {UNKNOWN.removeprefix('known are ')}, found 'orders'"],
    ),
    "not YAML": (
        b"a: b: c",
        ["release.yaml: line 1, column 5: this is not YAML: mapping values are not allowed in this context"],
    ),
    "not UTF-8": (b"application: \xff", ["release.yaml: expected UTF-8 text, found other bytes at 13"]),
    "duplicate key": (
        b"version: 1\nversion: 2",
        ["release.yaml: line 2, column 1: duplicate key 'version'"],
    ),
}


@pytest.mark.parametrize(("old", "new", "problems"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong(old: str, new: str, problems: list[str]) -> None:
    assert old in SMALLEST
    with pytest.raises(InvalidRelease) as raised:
        parse_manifest(SMALLEST.replace(old, new, 1).encode())

    assert sorted(raised.value.problems) == sorted(f"release.yaml: {problem}" for problem in problems)


@pytest.mark.parametrize(("data", "problems"), DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_what_is_no_manifest(data: bytes, problems: list[str]) -> None:
    with pytest.raises(InvalidRelease) as raised:
        parse_manifest(data)

    assert raised.value.problems == problems


class TestBeforeTheBuild:
    TEXT = b"application: orders\nversion: 1.0.0\nstacks: [{name: a, template: a.yaml}]\n"

    def test_templates_are_looked_for_among_the_files(self) -> None:
        assert examine_manifest(self.TEXT, ["a.yaml"])[1] == []
        assert examine_manifest(self.TEXT, [])[1] == [
            "release.yaml: stacks[0].template: the release has no file 'a.yaml'"
        ]

    def test_digests_are_left_to_the_build(self) -> None:
        _, problems = examine_manifest(self.TEXT + b"digests: {}", ["a.yaml"])

        assert problems == ["release.yaml: digests: the build computes these; omit them"]


TEMPLATE = b"Resources: {}\n"


def archive_of(files: Mapping[str, bytes], limits: Limits | None = None, **claimed: str) -> Archive:
    digests = {name: digest(data) for name, data in files.items()} | claimed
    manifest = textwrap.dedent("""
        application: orders
        version: 1.0.0
        stacks: [{name: a, template: a.yaml}]
        digests:
    """) + "".join(f"  {name}: {value}\n" for name, value in digests.items() if value)
    entries = [Entry(name, data) for name, data in {"release.yaml": manifest.encode(), **files}.items()]
    return open_archive(BytesReader(zip_bytes(*entries)), limits)


def test_a_release_is_what_its_manifest_says() -> None:
    archive = archive_of({"a.yaml": TEMPLATE, "b.txt": b"b" * 5})
    manifest = read_manifest(archive)
    verify_members(manifest, archive)

    assert read_verified(archive, manifest, "a.yaml") == TEMPLATE
    assert b"".join(stream_verified(archive, manifest, "b.txt")) == b"bbbbb"


def test_members_without_a_digest_and_digests_without_a_member() -> None:
    archive = archive_of({"a.yaml": TEMPLATE, "extra": b"x"}, extra="", missing="a" * 64)
    manifest = read_manifest(archive)
    with pytest.raises(InvalidRelease) as raised:
        verify_members(manifest, archive)

    assert raised.value.problems == [
        "'extra': in the archive, but release.yaml has no digest of it",
        "'missing': release.yaml has a digest of it, but it is not in the archive",
    ]


def test_a_template_past_cloudformations_limit() -> None:
    archive = archive_of({"a.yaml": TEMPLATE}, Limits(template_size=13))
    manifest = read_manifest(archive)

    with pytest.raises(InvalidRelease, match=r"'a\.yaml': expected a template of at most 13 bytes, found 14"):
        verify_members(manifest, archive)


def test_a_manifest_past_its_limit() -> None:
    with pytest.raises(InvalidRelease, match=r"'release\.yaml': expected at most 9 bytes, found"):
        read_manifest(archive_of({"a.yaml": TEMPLATE}, Limits(manifest_size=9)))


@pytest.mark.parametrize(
    ("name", "found"),
    {
        "readme.md": "found none",
        "orders/release.yaml": "found 'orders/release.yaml': zip what the directory holds, not the directory",
        "Release.YAML": "found 'Release.YAML': zip what the directory holds, not the directory",
    }.items(),
)
def test_no_manifest(name: str, found: str) -> None:
    with pytest.raises(InvalidRelease) as raised:
        read_manifest(open_archive(BytesReader(zip_bytes(Entry(name, b"application: orders")))))

    assert raised.value.problems == [f"release.yaml: expected at the top of the archive, {found}"]


def test_other_content_than_the_digest_says() -> None:
    archive = archive_of({"a.yaml": TEMPLATE, "b": b"b"}, b="a" * 64)
    manifest = read_manifest(archive)
    problem = [f"'b': expected SHA-256 {'a' * 64}, found {digest(b'b')}"]

    with pytest.raises(InvalidRelease) as raised:
        read_verified(archive, manifest, "b")
    assert raised.value.problems == problem

    stream = stream_verified(archive, manifest, "b")
    assert next(stream) == b"b"
    with pytest.raises(InvalidRelease) as raised:
        next(stream)
    assert raised.value.problems == problem
