import io
import random
import struct
import zipfile
import zlib
from collections import deque
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_zip import DEFLATED, ENCRYPTED, PATCH, UTF8, BytesReader, CountingReader, Entry, deflate, write_zip, zip_bytes

from belay.errors import InvalidRelease
from belay.release.archive import Archive, open_archive
from belay.release.directory import Limits
from cli.reader import FileReader

MIB = 1024 * 1024
CAFE_NFC, CAFE_NFD = "caf\u00e9.txt", "cafe\u0301.txt"


def opened(data: bytes, limits: Limits | None = None) -> Archive:
    return open_archive(BytesReader(data), limits)


def refusal(data: bytes, limits: Limits | None = None) -> list[str]:
    with pytest.raises(InvalidRelease) as raised:
        opened(data, limits)
    return raised.value.problems


class TestWhatIsAccepted:
    def test_files_in_the_order_in_which_they_lie(self) -> None:
        archive = opened(zip_bytes(Entry("b/"), Entry("b/2.txt", b"two"), Entry("a.txt", b"one", DEFLATED)))

        assert [(member.name, member.size) for member in archive.members] == [("b/2.txt", 3), ("a.txt", 3)]
        assert archive.read("a.txt") == b"one"
        assert "b/2.txt" in archive
        assert "b/" not in archive

    def test_an_empty_archive_has_no_members(self) -> None:
        assert opened(zip_bytes()).members == ()

    @pytest.mark.parametrize("comment", [b"made by hand", b"x" * 65535, b"PK\x05\x06 in a comment"])
    def test_a_comment(self, comment: bytes) -> None:
        assert opened(zip_bytes(Entry("a", b"1"), comment=comment)).read("a") == b"1"

    def test_zip64_records_where_none_are_needed(self) -> None:
        data = zip_bytes(Entry("a", b"one", zip64=True), Entry("b", b"two", DEFLATED, zip64=True), zip64=True)

        assert [opened(data).read(name) for name in ("a", "b")] == [b"one", b"two"]

    def test_zip64_past_four_gib(self, tmp_path: Path) -> None:
        path = tmp_path / "large.zip"
        with path.open("wb") as file:
            write_zip(file, [Entry("large.bin", hole=5 << 30, zip64=True), Entry("a", b"1", zip64=True)], zip64=True)
        archive = open_archive(FileReader(path), Limits(member_size=6 << 30))

        assert archive.member("large.bin").size == 5 << 30
        assert archive.member("a").offset > 5 << 30
        assert archive.read("a") == b"1"

    @pytest.mark.parametrize("signature", [b"", b"PK\x07\x08"])
    @pytest.mark.parametrize("width", ["<3L", "<LQQ"])
    def test_sizes_that_follow_the_data(self, signature: bytes, width: str) -> None:
        descriptor = signature + struct.pack(width, zlib.crc32(b"one"), 3, 3)
        data = zip_bytes(Entry("a", b"one", descriptor=descriptor), Entry("b", b"two"))

        assert opened(data).read("a") == b"one"

    def test_what_the_standard_library_streams(self) -> None:
        class Pipe(io.BytesIO):
            def seekable(self) -> bool:
                return False

        pipe = Pipe()
        with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a", b"one" * 1000)
            with archive.open("b", "w", force_zip64=True) as member:
                member.write(b"two")

        assert opened(pipe.getvalue()).read("a") == b"one" * 1000
        assert opened(pipe.getvalue()).read("b") == b"two"

    def test_names_beyond_ascii(self) -> None:
        assert opened(zip_bytes(Entry("daten/größe.sql", b"1"))).read("daten/größe.sql") == b"1"


NAMES = {
    "": "the name is empty",
    "/etc/passwd": "the path is absolute; expected one relative to the release",
    "//host/share": "the path is absolute; expected one relative to the release",
    "C:/windows": "the path is absolute; expected one relative to the release",
    "c:file": "the path is absolute; expected one relative to the release",
    "../up": "the path has an empty, `.` or `..` segment",
    "a/../../up": "the path has an empty, `.` or `..` segment",
    "a/..": "the path has an empty, `.` or `..` segment",
    "./a": "the path has an empty, `.` or `..` segment",
    "a//b": "the path has an empty, `.` or `..` segment",
    "a\\b": "the path has a backslash; expected forward slashes",
    "..\\up": "the path has a backslash; expected forward slashes",
    "a\0b": "the name has control or invisible characters",
    "a\nb": "the name has control or invisible characters",
    "a\x7f": "the name has control or invisible characters",
    "a\u202egpj.exe": "the name has control or invisible characters",
    "a\u200b": "the name has control or invisible characters",
    "a\u2028b": "the name has control or invisible characters",
    "x" * 513: "the name is longer than 512 bytes",
}


@pytest.mark.parametrize(("name", "problem"), NAMES.items(), ids=[repr(name[:20]) for name in NAMES])
def test_names_that_are_refused(name: str, problem: str) -> None:
    shown = repr(name if len(name) <= 80 else name[:80] + "...")

    assert f"{shown}: {problem}" in refusal(zip_bytes(Entry(name, b"1")))


PAIRS = {
    "twice": (["a.txt", "a.txt"], "'a.txt': duplicate name, apart from case and Unicode form ('a.txt')"),
    "by case": (["a.TXT", "A.txt"], "'A.txt': duplicate name, apart from case and Unicode form ('a.TXT')"),
    "by case beyond ASCII": (
        ["straße", "STRASSE"],
        "'STRASSE': duplicate name, apart from case and Unicode form ('straße')",
    ),
    "by Unicode form": (
        [CAFE_NFC, CAFE_NFD],
        f"{CAFE_NFD!r}: duplicate name, apart from case and Unicode form ({CAFE_NFC!r})",
    ),
    "directory twice": (["d/", "D/"], "'D/': duplicate name, apart from case and Unicode form ('d/')"),
    "file and directory": (["d", "d/"], "'d/': its directory 'd' is a file"),
    "file in a file": (["d", "D/e/f"], "'D/e/f': its directory 'd' is a file"),
    "file in a file, other order": (["d/e/f", "d/E"], "'d/e/f': its directory 'd/E' is a file"),
}


@pytest.mark.parametrize(("names", "problem"), PAIRS.values(), ids=PAIRS.keys())
def test_names_that_cannot_lie_side_by_side(names: list[str], problem: str) -> None:
    assert refusal(zip_bytes(*(Entry(name) for name in names))) == [problem]


KINDS = {
    "symbolic link": (Entry("a", b"/etc", mode=0o120777), "it is a symbolic link; a release has only files"),
    "device": (Entry("a", mode=0o020644), "it is a special file; a release has only files"),
    "pipe": (Entry("a", mode=0o010644), "it is a special file; a release has only files"),
    "socket": (Entry("a", mode=0o140644), "it is a special file; a release has only files"),
    "a file said to be a directory": (Entry("a", mode=0o040755), "it is a special file; a release has only files"),
    "a directory said to be a link": (Entry("a/", mode=0o120777), "it is a symbolic link; a release has only files"),
    "directory with content": (Entry("a/", b"1", mode=0o040755), "it is a directory with content"),
    "encrypted": (Entry("a", b"1", flags=UTF8 | ENCRYPTED), "it is encrypted; a release has no encrypted files"),
    "strongly encrypted": (Entry("a", b"1", flags=0x41), "it is encrypted; a release has no encrypted files"),
    "encrypted directory": (Entry("a", b"1", flags=0x2000), "it is encrypted; a release has no encrypted files"),
    "patch": (Entry("a", b"1", flags=PATCH), "it is patch data, not a file"),
    "other volume": (
        Entry("a", b"1", central={"disk": 3}),
        "it is in another part of the archive; upload it as a single file",
    ),
    "bzip2": (Entry("a", b"1", method=12), "expected stored or deflated, found compression method 12"),
    "zstandard": (Entry("a", b"1", method=93), "expected stored or deflated, found compression method 93"),
    "not marked as UTF-8": (
        Entry("größe", b"1", flags=0),
        "the name is not marked as UTF-8; build the archive with `belay release build`",
    ),
}


@pytest.mark.parametrize(("entry", "problem"), KINDS.values(), ids=KINDS.keys())
def test_kinds_that_are_refused(entry: Entry, problem: str) -> None:
    assert [each.partition(": ")[2] for each in refusal(zip_bytes(entry))] == [problem]


def test_a_name_that_is_not_utf8() -> None:
    assert refusal(zip_bytes(Entry(b"\xff\xfe", b"1"))) == ["the archive has a name that says it is UTF-8, but is not"]


WEIGHTS = {
    "entries": (
        zip_bytes(Entry("a"), Entry("b"), Entry("c")),
        Limits(entries=2),
        ["expected at most 2 entries, found 3"],
    ),
    "directory": (
        zip_bytes(Entry("a" * 400)),
        Limits(directory_size=400),
        ["expected a directory of at most 400 bytes, found 446"],
    ),
    "member": (zip_bytes(Entry("a", b"12345")), Limits(member_size=4), ["'a': expected at most 4 bytes, found 5"]),
    "total": (
        zip_bytes(Entry("a", b"123"), Entry("b", b"456")),
        Limits(total_size=5),
        ["expected members of at most 5 bytes together, found 6"],
    ),
    "ratio": (
        zip_bytes(Entry("a", method=DEFLATED, raw=bytes(1000), central={"size": 3_000_000})),
        None,
        ["'a': it inflates 3000 times; at most 200 are allowed"],
    ),
    "stored, other size": (
        zip_bytes(Entry("a", b"123", central={"size": 4})),
        None,
        ["'a': it is stored, but its compressed size 3 differs from its size 4"],
    ),
    "deflated to more": (
        zip_bytes(Entry("a", b"123", DEFLATED, raw=bytes(2000))),
        None,
        ["'a': it deflates to 2000 bytes, more than 3 bytes can"],
    ),
    "overlap": (
        zip_bytes(Entry("a", b"x" * 100, DEFLATED, raw=b"x" * 100), Entry("b", b"", central={"offset": 0})),
        None,
        ["'a': it overlaps what follows it in the archive"],
    ),
    "into the directory": (
        zip_bytes(Entry("a", b"x" * 10, central={"compressed": 900, "size": 900})),
        None,
        ["'a': it overlaps what follows it in the archive"],
    ),
}


@pytest.mark.parametrize(("data", "limits", "problems"), WEIGHTS.values(), ids=WEIGHTS.keys())
def test_weights_that_are_refused(data: bytes, limits: Limits | None, problems: list[str]) -> None:
    found = refusal(data, limits)

    assert sorted(found) == sorted(problems)


ZIP = zip_bytes(Entry("a", b"one"), Entry("b", b"two"))
CUT_OFF = "the archive is cut off: it has no end record; build and upload it again"
DISAGREE = "the archive's two end records disagree"
NOT_THERE = "the archive's ZIP64 end record is not where its locator says"
ONE_OF_SEVERAL = "the archive is one part of several; upload it as a single file"
DAMAGED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "this is not a zip archive"),
    "text": (b"application: orders\n", "this is not a zip archive"),
    "gzip": (b"\x1f\x8b" + bytes(300), "this is not a zip archive"),
    "cut in the end record": (ZIP[:-1], CUT_OFF),
    "cut in the directory": (ZIP[:-40], CUT_OFF),
    "cut in the first member": (ZIP[:20], CUT_OFF),
    "something behind it": (ZIP + b"#!/bin/sh", CUT_OFF),
    "cut in the middle": (
        ZIP[:10] + ZIP[40:],
        "the archive is cut off: its directory is not where its end record says",
    ),
    "prepended": (b"#!/bin/sh\n" + ZIP, "the archive has 10 bytes that are not in its directory; expected none"),
    "prepended, offsets moved": (
        zip_bytes(Entry("a", b"1"), prefix=b"#!/bin/sh\n"),
        "10 bytes precede the archive's first member; expected none",
    ),
    "fewer entries": (zip_bytes(Entry("a"), here=2, total=2), "the archive's end record counts 2 entries, found 1"),
    "more entries": (
        zip_bytes(Entry("a"), Entry("b"), here=1, total=1),
        "the archive's end record counts 1 entries, found 2",
    ),
    "several disks": (zip_bytes(Entry("a"), disk=1), ONE_OF_SEVERAL),
    "entries on other disks": (zip_bytes(Entry("a"), here=0), ONE_OF_SEVERAL),
    "zip64 elsewhere": (zip_bytes(Entry("a"), zip64=True, locator_error=4), NOT_THERE),
    "zip64 of another length": (
        zip_bytes(Entry("a"), zip64=True, length_error=8),
        "the archive's ZIP64 end record is damaged",
    ),
    "zip64 against the end record": (zip_bytes(Entry("a"), zip64=True, narrow_offset=7), DISAGREE),
    "zip64 without its end": (
        zip_bytes(Entry("a", b"1", zip64=True), zip64=True)[:-42] + zip_bytes()[-22:],
        "the archive has 183 bytes that are not in its directory; expected none",
    ),
    "no directory entry": (
        ZIP.replace(b"PK\x01\x02", b"PK\x01\x00", 1),
        "the archive's directory cannot be read: Bad magic number for central directory",
    ),
}


@pytest.mark.parametrize(("data", "problem"), DAMAGED.values(), ids=DAMAGED.keys())
def test_archives_that_are_no_archives(data: bytes, problem: str) -> None:
    assert refusal(data) == [problem]


def test_every_problem_is_told_at_once() -> None:
    problems = refusal(zip_bytes(Entry("../a", b"1"), Entry("b", b"1", mode=0o120777), Entry("B", b"1", method=12)))

    assert [problem.partition(":")[0] for problem in problems] == ["'../a'", "'b'", "'B'", "'B'"]


def test_of_very_many_problems_the_first_hundred_are_told() -> None:
    problems = refusal(zip_bytes(*(Entry(f"../{number}") for number in range(300))))

    assert len(problems) == 101
    assert problems[-1] == "and 200 more problems"


GOOD = b"The quick brown fox. " * 50
MEMBERS = {
    "no header": (Entry("a", GOOD, local={"signature": b"PK\x03\x05"}), "no local header where the directory says"),
    "other name": (Entry("a", GOOD, local={"name": b"b"}), "the local header has another name"),
    "longer name": (Entry("a", GOOD, local={"name": b"ab"}), "the local header has another name"),
    "hidden bytes": (Entry("a", GOOD, local={"raw": GOOD + b"!"}), "it does not end where the next member begins"),
    "extra past its end": (
        Entry("a", GOOD, local={"extra": bytes(40)}, central={"compressed": len(GOOD) + 1, "size": len(GOOD) + 1}),
        "it does not end where the next member begins",
    ),
    "other method": (Entry("a", GOOD, local={"method": 8}), "its local header disagrees with the directory"),
    "encrypted after all": (Entry("a", GOOD, local={"flags": 0x801}), "its local header disagrees with the directory"),
    "other CRC": (Entry("a", GOOD, local={"crc": 7}), "its local header disagrees with the directory"),
    "other size": (Entry("a", GOOD, local={"size": 7}), "its local header disagrees with the directory"),
    "no ZIP64 field": (
        Entry("a", GOOD, local={"size": 0xFFFFFFFF}),
        "the ZIP64 field of its local header is missing or damaged",
    ),
    "short ZIP64 field": (
        Entry("a", GOOD, zip64=True, local={"extra": struct.pack("<2HQ", 1, 8, len(GOOD))}),
        "the ZIP64 field of its local header is missing or damaged",
    ),
    "ZIP64 field past its end": (
        Entry("a", GOOD, zip64=True, local={"extra": struct.pack("<2HQ", 1, 80, len(GOOD))}),
        "the ZIP64 field of its local header is missing or damaged",
    ),
    "wrong descriptor": (Entry("a", GOOD, descriptor=bytes(16)), "bytes that belong to no member follow it"),
    "damaged data": (
        Entry("a", GOOD, raw=GOOD[:-1] + b"!"),
        f"expected CRC-32 {zlib.crc32(GOOD):08x}, found {zlib.crc32(GOOD[:-1] + b'!'):08x}",
    ),
    "no deflate stream": (
        Entry("a", GOOD, DEFLATED, raw=b"\xff" * 60),
        "its data cannot be inflated (Error -3 while decompressing data: invalid block type)",
    ),
    "cut off": (Entry("a", GOOD, DEFLATED, raw=deflate(GOOD)[:-2]), "its data stops before its end"),
    "goes on": (Entry("a", GOOD, DEFLATED, raw=deflate(GOOD) + b"more"), "its data continues after its end"),
    "goes on for long": (
        Entry("a", bytes(500_000), DEFLATED, raw=deflate(GOOD) + bytes(500_000)),
        "its data continues after its end",
    ),
    "inflates to more": (
        Entry("a", GOOD, DEFLATED, raw=deflate(GOOD + GOOD)),
        f"expected {len(GOOD)} bytes, found more",
    ),
    "inflates to less": (
        Entry("a", GOOD, DEFLATED, raw=deflate(GOOD[1:])),
        f"expected {len(GOOD)} bytes, found {len(GOOD) - 1}",
    ),
}


@pytest.mark.parametrize(("entry", "problem"), MEMBERS.values(), ids=MEMBERS.keys())
def test_members_that_are_not_what_the_directory_says(entry: Entry, problem: str) -> None:
    archive = opened(zip_bytes(entry, Entry("next", b"1")))

    for read in (archive.read, lambda name: b"".join(archive.stream(name))):
        with pytest.raises(InvalidRelease) as raised:
            read("a")
        assert raised.value.problems == [f"'a': {problem}"]
    assert archive.read("next") == b"1"


def test_a_bomb_stops_at_the_size_it_declared() -> None:
    declared = {"size": 3 * MIB}
    bomb = Entry("a", bytes(200 * MIB), DEFLATED, local=declared, central=declared)
    archive = opened(zip_bytes(bomb))
    stream = archive.stream("a")
    inflated = sum(len(next(stream)) for _ in range(3))

    assert inflated == 3 * MIB
    with pytest.raises(InvalidRelease, match="expected 3145728 bytes, found more"):
        next(stream)


def test_documents_are_bounded() -> None:
    archive = opened(zip_bytes(Entry("a", bytes(11))), Limits(template_size=10))

    with pytest.raises(InvalidRelease, match="'a': expected at most 10 bytes, found 11"):
        archive.read("a")
    assert archive.read("a", 11) == bytes(11)
    with pytest.raises(InvalidRelease, match="'b': not in the archive"):
        archive.read("b")


class TestReads:
    def test_a_small_release_costs_one_read(self) -> None:
        reader = CountingReader(BytesReader(zip_bytes(Entry("a", b"one" * 1000, DEFLATED), Entry("b", b"two"))))
        archive = open_archive(reader)
        assert archive.read("a") + archive.read("b") == b"one" * 1000 + b"two"

        assert len(reader.reads) == 1

    def test_documents_at_the_front_cost_one_more(self) -> None:
        names = [f"templates/{number}.yaml" for number in range(20)]
        reader = CountingReader(
            BytesReader(zip_bytes(*(Entry(name, name.encode()) for name in names), Entry("big", bytes(MIB))))
        )
        archive = open_archive(reader)
        assert [archive.read(name) for name in names] == [name.encode() for name in names]

        assert len(reader.reads) == 2
        assert sum(length for _, length in reader.reads) <= 2 * 128 * 1024

    def test_a_long_directory_costs_one_more(self) -> None:
        reader = CountingReader(
            BytesReader(zip_bytes(Entry("big", bytes(MIB)), *(Entry(f"{number:0400}") for number in range(1000))))
        )
        archive = open_archive(reader)

        assert len(archive.members) == 1001
        assert len(reader.reads) == 2

    def test_accepting_a_gibibyte_costs_what_its_documents_weigh(self, tmp_path: Path) -> None:
        documents = [Entry(f"{number:02}.yaml", random.Random(number).randbytes(40_000)) for number in range(20)]
        assets = [Entry(f"{number:02}.bin", hole=1024 * MIB // 20, zip64=True) for number in range(20)]
        path = tmp_path / "large.zip"
        with path.open("wb") as file:
            write_zip(file, [each for pair in zip(documents, assets, strict=True) for each in pair])
        reader = CountingReader(FileReader(path))
        archive = open_archive(reader)
        assert [archive.read(str(each.name)) for each in documents] == [each.data for each in documents]

        assert sum(length for _, length in reader.reads) < reader.size * 0.02
        assert len(reader.reads) <= 21

    def test_streaming_out_of_order_reads_little_too_much(self) -> None:
        entries = [Entry(f"{number:03}", bytes([number]) * 100_000) for number in range(200)]
        reader = CountingReader(BytesReader(zip_bytes(*entries)))
        archive = open_archive(reader)
        for entry in random.Random(0).sample(entries, len(entries)):
            assert b"".join(archive.stream(str(entry.name))) == entry.data

        assert sum(length for _, length in reader.reads) <= reader.size * 1.5

    def test_streaming_reads_each_byte_about_once(self) -> None:
        entries = [Entry(f"{number:03}", bytes([number]) * 100_000) for number in range(200)]
        reader = CountingReader(BytesReader(zip_bytes(*entries)))
        archive = open_archive(reader)
        for member, entry in zip(archive.members, entries, strict=True):
            assert b"".join(archive.stream(member.name)) == entry.data

        assert sum(length for _, length in reader.reads) <= reader.size + 256 * 1024
        assert len(reader.reads) <= 9

    def test_pieces_are_bounded(self) -> None:
        data = random.Random(0).randbytes(3 * MIB) * 3
        archive = opened(zip_bytes(Entry("a", data), Entry("b", data, DEFLATED)))
        for name in ("a", "b"):
            chunks = list(archive.stream(name))
            assert b"".join(chunks) == data
            assert max(len(chunk) for chunk in chunks) <= MIB

    @pytest.mark.parametrize("fails_at", range(3))
    def test_what_the_reader_raises_is_no_verdict(self, fails_at: int) -> None:
        class Failing(CountingReader):
            def read(self, offset: int, length: int) -> bytes:
                if len(self.reads) == fails_at:
                    raise TimeoutError("the bucket does not answer")
                return super().read(offset, length)

        members = [Entry("a", bytes(MIB)), *(Entry(f"{number:0400}") for number in range(1000)), Entry("b", bytes(MIB))]
        reader = Failing(BytesReader(zip_bytes(*members)))

        def read_all() -> None:
            archive = open_archive(reader)
            for member in archive.members:
                deque(archive.stream(member.name), maxlen=0)

        with pytest.raises(TimeoutError, match="does not answer"):
            read_all()

    def test_a_short_read_is_no_verdict(self, tmp_path: Path) -> None:
        class Short(BytesReader):
            def read(self, offset: int, length: int) -> bytes:
                return super().read(offset, length)[:-1]

        with pytest.raises(EOFError, match=f"expected {len(ZIP)} bytes of the archive at 0, found {len(ZIP) - 1}"):
            open_archive(Short(ZIP))

        path = tmp_path / "short"
        path.write_bytes(b"123")
        with pytest.raises(EOFError, match="expected 3 bytes at 1, found 2"):
            FileReader(path).read(1, 3)


names = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)


def contents_or_problems(data: bytes) -> dict[str, bytes] | list[str]:
    try:
        archive = opened(data)
        return {member.name: b"".join(archive.stream(member.name)) for member in archive.members}
    except InvalidRelease as refused:
        return refused.problems


@given(st.dictionaries(names, st.binary(max_size=300), max_size=8), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_the_standard_library_writes_is_read_back(files: dict[str, bytes], deflated: bool, wide: bool) -> None:
    files = {f"{number}-{name}": data for number, (name, data) in enumerate(files.items())}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED) as target:
        for name, data in files.items():
            with target.open(name, "w", force_zip64=wide) as member:
                member.write(data)

    assert contents_or_problems(buffer.getvalue()) == files


PLAIN = zip_bytes(Entry("release.yaml", GOOD, DEFLATED), Entry("b", b"two"), Entry("c/d", GOOD), zip64=True)


@given(st.lists(st.tuples(st.integers(0, len(PLAIN) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=400, deadline=None)
def test_whatever_is_damaged_is_refused_or_left_as_it_was(changes: list[tuple[int, int]]) -> None:
    data = bytearray(PLAIN)
    for at, value in changes:
        data[at] = value
    found = contents_or_problems(bytes(data))

    # Dates, attributes and a name that was changed in both its places may differ, the contents may not.
    assert found if isinstance(found, list) else list(found.values()) == [GOOD, b"two", GOOD]


@given(st.binary(max_size=400))
def test_anything_else_is_refused(data: bytes) -> None:
    assert refusal(b"\x00" + data)
