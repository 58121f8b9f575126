"""A zip's end record and central directory, read strictly: which files an archive holds, and whether they are allowed.

The format is PKWARE's APPNOTE 6.3.10 (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). Where two readers
could see different files in one archive, it is refused.
"""

import io
import re
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from belay.errors import InvalidRelease
from belay.release.document import Problems, quote

_KIB: Final = 1024
_MIB: Final = 1024 * _KIB
_GIB: Final = 1024 * _MIB

LOCAL_HEADER: Final = struct.Struct("<4s5H3L2H")
LOCAL_SIGNATURE: Final = b"PK\x03\x04"

_END: Final = struct.Struct("<4s4H2LH")
_END_SIGNATURE: Final = b"PK\x05\x06"
_LOCATOR: Final = struct.Struct("<4sLQL")
_LOCATOR_SIGNATURE: Final = b"PK\x06\x07"
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_END64_SIGNATURE: Final = b"PK\x06\x06"
_END64_COUNTED: Final = _END64.size - 12
"""The record's own size leaves out its first two fields."""
_SATURATED: Final = (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
"""The end record's values that require reading the ZIP64 record."""

ENCRYPTED: Final = 0x0001 | 0x0040 | 0x2000
PATCH: Final = 0x0020
DESCRIPTOR: Final = 0x0008
UTF8: Final = 0x0800

_RATIO_FLOOR: Final = 1 * _MIB
"""A smaller member is not a zip bomb, however well it compresses."""

_DRIVE: Final = re.compile(r"[A-Za-z]:")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's control, format, surrogate and line-breaking characters: invisible or misleading to a reader."""
_LONGEST_NAME: Final = 512
"""In bytes: an S3 key has 1,024, and the release's own prefix comes before the name."""


@dataclass(frozen=True)
class Limits:
    """Limits of an archive. Sizes are in bytes, checked before inflating and enforced while inflating."""

    entries: int = 10_000
    directory_size: int = 4 * _MIB
    member_size: int = 5 * _GIB
    total_size: int = 20 * _GIB
    ratio: int = 200
    manifest_size: int = 4 * _MIB
    template_size: int = 1 * _MIB
    """CloudFormation takes no larger template:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


@dataclass(frozen=True)
class Member:
    """One file of an archive, from the central directory.

    ``offset`` is where its local header begins and ``end`` where the next one does, in bytes from the archive's start.
    """

    name: str
    size: int
    compressed_size: int
    crc: int
    method: int
    flags: int
    offset: int
    end: int


@dataclass(frozen=True)
class Directory:
    """Offsets of the central directory and the end record, in bytes from the archive's start."""

    offset: int
    entries: int
    end_record: int


def find_directory(tail: bytes, archive_size: int, limits: Limits) -> Directory | None:
    """Find the central directory from the end record (APPNOTE 4.3.16) and its ZIP64 form, if any (4.3.14).

    ``tail`` is the archive's end: at least its last 65,633 bytes, or all of it. Returns None if it has no end record.
    Raises InvalidRelease if the records are damaged, or the directory is misplaced or too large.
    """
    at = _find_end_record(tail)
    if at is None:
        return None
    tail_offset = archive_size - len(tail)
    fields = _END.unpack_from(tail, at)[1:-1]
    end_of_directory = tail_offset + at
    locator = at - _LOCATOR.size
    if locator >= 0 and tail.startswith(_LOCATOR_SIGNATURE, locator):
        fields = _read_zip64(tail, locator, tail_offset, fields)
        end_of_directory = tail_offset + locator - _END64.size
    disk, directory_disk, entries_here, entries, size, offset = fields
    if disk or directory_disk or entries_here != entries:
        raise InvalidRelease(["the archive is one part of several; upload it as a single file"])
    if offset + size > end_of_directory:
        raise InvalidRelease(["the archive is cut off: its directory is not where its end record says"])
    if offset + size < end_of_directory:
        left_out = end_of_directory - offset - size
        raise InvalidRelease([f"the archive has {left_out} bytes that are not in its directory; expected none"])
    problems = Problems()
    if entries > limits.entries:
        problems.add("", f"expected at most {limits.entries} entries, found {entries}")
    if size > limits.directory_size:
        problems.add("", f"expected a directory of at most {limits.directory_size} bytes, found {size}")
    problems.raise_as(InvalidRelease)
    return Directory(offset, entries, tail_offset + at)


def _find_end_record(tail: bytes) -> int | None:
    at = len(tail)
    while (at := tail.rfind(_END_SIGNATURE, 0, at)) >= 0:
        if at + _END.size <= len(tail) and at + _END.size + _END.unpack_from(tail, at)[-1] == len(tail):
            return at
    return None


def _read_zip64(tail: bytes, locator: int, tail_offset: int, narrow: tuple[int, ...]) -> tuple[int, ...]:
    at = locator - _END64.size
    _, disk, offset, disks = _LOCATOR.unpack_from(tail, locator)
    if at < 0 or offset != tail_offset + at or disk or disks > 1:
        raise InvalidRelease(["the archive's ZIP64 end record is not where its locator says"])
    signature, counted, _, _, *wide = _END64.unpack_from(tail, at)
    if signature != _END64_SIGNATURE or counted != _END64_COUNTED:
        raise InvalidRelease(["the archive's ZIP64 end record is damaged"])
    if any(one not in (other, full) for one, other, full in zip(narrow, wide, _SATURATED, strict=True)):
        raise InvalidRelease(["the archive's two end records disagree"])
    return tuple(wide)


class _Window:
    """The archive's end as a file of its full size, which is all of it that reading the directory needs."""

    def __init__(self, tail: bytes, tail_offset: int) -> None:
        self._tail = io.BytesIO(tail)
        self._tail_offset = tail_offset

    def tell(self) -> int:
        return self._tail_offset + self._tail.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        within = offset - self._tail_offset if whence == io.SEEK_SET else offset
        return self._tail_offset + self._tail.seek(within, whence)

    def read(self, size: int = -1) -> bytes:
        return self._tail.read(size)


def read_members(tail: bytes, tail_offset: int, directory: Directory, limits: Limits) -> list[Member]:
    """Read the central directory, which ``tail`` must hold, into the archive's files in archive order.

    Raises InvalidRelease with every problem that can be found without reading the files themselves.
    """
    infos = _parse(tail, tail_offset, directory)
    problems = Problems()
    for info in infos:
        for problem in (*_name_problems(info), *_kind_problems(info), *_size_problems(info, limits)):
            problems.add(quote(info.orig_filename), problem)
    for name, problem in name_clashes([info.orig_filename for info in infos]):
        problems.add(quote(name), problem)
    first, *ends = [*(info.header_offset for info in infos), directory.offset]
    if first:
        problems.add("", f"{first} bytes precede the archive's first member; expected none")
    for info, end in zip(infos, ends, strict=True):
        name_size = len(info.orig_filename.encode("utf-8" if info.flag_bits & UTF8 else "cp437"))
        least = LOCAL_HEADER.size + name_size + info.compress_size
        if info.header_offset + least > end:
            problems.add(quote(info.orig_filename), "it overlaps what follows it in the archive")
    total = sum(info.file_size for info in infos)
    if total > limits.total_size:
        problems.add("", f"expected members of at most {limits.total_size} bytes together, found {total}")
    problems.raise_as(InvalidRelease)
    return [_member(info, end) for info, end in zip(infos, ends, strict=True) if not _is_directory(info)]


def _parse(tail: bytes, tail_offset: int, directory: Directory) -> list[zipfile.ZipInfo]:
    # Without a comment, an archive has only one end record, wherever a reader looks for it.
    records = tail[: directory.end_record - tail_offset + _END.size - 2] + b"\0\0"
    try:
        with zipfile.ZipFile(_Window(records, tail_offset)) as archive:
            infos = archive.infolist()
    except UnicodeDecodeError as error:
        raise InvalidRelease(["the archive has a name that says it is UTF-8, but is not"]) from error
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, struct.error) as error:
        raise InvalidRelease([f"the archive's directory cannot be read: {error}"]) from error
    if len(infos) != directory.entries:
        raise InvalidRelease([f"the archive's end record counts {directory.entries} entries, found {len(infos)}"])
    return sorted(infos, key=lambda info: info.header_offset)


def _member(info: zipfile.ZipInfo, end: int) -> Member:
    return Member(
        name=info.orig_filename,
        size=info.file_size,
        compressed_size=info.compress_size,
        crc=info.CRC,
        method=info.compress_type,
        flags=info.flag_bits,
        offset=info.header_offset,
        end=end,
    )


def _is_directory(info: zipfile.ZipInfo) -> bool:
    return info.orig_filename.endswith("/")


def _name_problems(info: zipfile.ZipInfo) -> Iterator[str]:
    if problem := name_problem(info.orig_filename.removesuffix("/")):
        yield problem
    elif not info.flag_bits & UTF8 and not info.orig_filename.isascii():
        yield "the name is not marked as UTF-8; build the archive with `belay release build`"


def _kind_problems(info: zipfile.ZipInfo) -> Iterator[str]:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if stat.S_ISLNK(kind):
        yield "it is a symbolic link; a release has only files"
    elif kind not in (0, stat.S_IFDIR if _is_directory(info) else stat.S_IFREG):
        yield "it is a special file; a release has only files"
    if _is_directory(info) and info.file_size:
        yield "it is a directory with content"
    if info.flag_bits & ENCRYPTED:
        yield "it is encrypted; a release has no encrypted files"
    if info.flag_bits & PATCH:
        yield "it is patch data, not a file"
    if info.volume:
        yield "it is in another part of the archive; upload it as a single file"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        yield f"expected stored or deflated, found compression method {info.compress_type}"


def _size_problems(info: zipfile.ZipInfo, limits: Limits) -> Iterator[str]:
    size, compressed = info.file_size, info.compress_size
    if size > limits.member_size:
        yield f"expected at most {limits.member_size} bytes, found {size}"
    if info.compress_type == zipfile.ZIP_STORED and size != compressed:
        yield f"it is stored, but its compressed size {compressed} differs from its size {size}"
    elif size > max(_RATIO_FLOOR, limits.ratio * compressed):
        yield f"it inflates {size // max(1, compressed)} times; at most {limits.ratio} are allowed"
    elif compressed > size + size // 8 + _KIB:
        yield f"it deflates to {compressed} bytes, more than {size} bytes can"


def name_problem(name: str) -> str | None:
    """Return what is wrong with a file's name in a release; None for a plain relative path with forward slashes."""
    checks = {
        "the name is empty": not name,
        f"the name is longer than {_LONGEST_NAME} bytes": len(name.encode(errors="replace")) > _LONGEST_NAME,
        "the name has control or invisible characters": any(unicodedata.category(each) in _UNSEEN for each in name),
        "the path is absolute; expected one relative to the release": name.startswith("/") or _DRIVE.match(name),
        "the path has a backslash; expected forward slashes": "\\" in name,
        "the path has an empty, `.` or `..` segment": any(each in ("", ".", "..") for each in name.split("/")),
    }
    return next((problem for problem, found in checks.items() if found), None)


def name_clashes(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return names that conflict with others, each with the reason: a duplicate, or inside a file.

    Names are compared without case and in Unicode NFC, because some file systems do.
    """
    seen: dict[str, str] = {}
    for name in names:
        key = _folded(name)
        if key in seen:
            yield name, f"duplicate name, apart from case and Unicode form ({quote(seen[key])})"
        seen.setdefault(key, name)
    files = {_folded(name): name for name in names if not name.endswith("/")}
    for name in names:
        segments = _folded(name).split("/")
        parents = ("/".join(segments[:depth]) for depth in range(1, len(segments)))
        if parent := next((parent for parent in parents if parent in files), None):
            yield name, f"its directory {quote(files[parent])} is a file"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
