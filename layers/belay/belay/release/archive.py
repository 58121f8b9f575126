"""Reads a release's zip with ranged reads, and trusts nothing in it.

Accepting an archive reads its end record, its central directory and the requested members, whatever its size.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from belay.errors import InvalidRelease
from belay.release.directory import (
    DESCRIPTOR,
    ENCRYPTED,
    LOCAL_HEADER,
    LOCAL_SIGNATURE,
    PATCH,
    UTF8,
    Limits,
    Member,
    find_directory,
    read_members,
)
from belay.release.document import quote

MANIFEST: Final = "release.yaml"
"""The path of every release's manifest."""

_KIB: Final = 1024
_MIB: Final = 1024 * _KIB

_TAIL: Final = 128 * _KIB
"""Read first: covers the longest possible end record, and the whole central directory of most releases."""
_LEAST_READ: Final = 128 * _KIB
"""Adjacent templates cost one request. Doubled with each consecutive read."""
_MOST_READ: Final = 8 * _MIB
"""Large members, and small ones in archive order, cost few requests and bounded memory."""
_PIECE: Final = 256 * _KIB
"""The most that is passed to the inflater at once."""
_CHUNK: Final = 1 * _MIB
"""The most that is inflated at once."""

_DESCRIPTOR_SIGNATURE: Final = b"PK\x07\x08"
_EXTRA_ZIP64: Final = 1
_WIDER: Final = 0xFFFFFFFF
"""Marks a size that is in the ZIP64 field instead."""
_COMPARED_FLAGS: Final = ENCRYPTED | PATCH | DESCRIPTOR | UTF8


class RangedReader(Protocol):
    """Bytes of known size that can be read anywhere: an S3 object's pinned version, or a local file."""

    @property
    def size(self) -> int:
        """The whole size in bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly ``length`` bytes from ``offset``, or raise."""


def open_archive(reader: RangedReader, limits: Limits | None = None) -> "Archive":
    """Read an archive's directory and check everything that can be checked without its members.

    Costs one read of the last 128 KiB, and another if the directory begins before that.

    Raises InvalidRelease with every problem found. The reader's own exceptions pass through: an AWS fault is not a
    verdict on the release.
    """
    limits = limits or Limits()
    tail_offset = max(0, reader.size - _TAIL)
    tail = _read(reader, tail_offset, reader.size)
    directory = find_directory(tail, reader.size, limits)
    if directory is None:
        if _read(reader, 0, min(len(LOCAL_SIGNATURE), reader.size)) == LOCAL_SIGNATURE:
            raise InvalidRelease(["the archive is cut off: it has no end record; build and upload it again"])
        raise InvalidRelease(["this is not a zip archive"])
    if directory.offset < tail_offset:
        tail = _read(reader, directory.offset, tail_offset) + tail
        tail_offset = directory.offset
    members = read_members(tail, tail_offset, directory, limits)
    return Archive(_Source(reader, tail, tail_offset), members, limits)


class Archive:
    """An archive whose directory has been checked. Caches the last range it read: not thread-safe."""

    def __init__(self, source: "_Source", members: Sequence[Member], limits: Limits) -> None:
        self._source = source
        self._by_name = {member.name: member for member in members}
        self.members: tuple[Member, ...] = tuple(members)
        """Every file, in archive order: streaming them in this order costs the fewest reads."""
        self.limits = limits

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def member(self, name: str) -> Member:
        """Return a file's entry. Raises InvalidRelease if there is none of this name."""
        if name not in self._by_name:
            raise InvalidRelease([f"{quote(name)}: not in the archive"])
        return self._by_name[name]

    def read(self, name: str, most: int | None = None) -> bytes:
        """Read a whole document of at most ``most`` bytes (by default a template's limit).

        Raises InvalidRelease if it is missing, larger or damaged.
        """
        member = self.member(name)
        most = self.limits.template_size if most is None else most
        if member.size > most:
            raise InvalidRelease([f"{quote(name)}: expected at most {most} bytes, found {member.size}"])
        return b"".join(self._stream(member))

    def stream(self, name: str) -> Iterator[bytes]:
        """Inflate a member in pieces of at most 1 MiB, in bounded memory.

        Raises InvalidRelease, at the latest after the last piece, if the member is missing or damaged: if its local
        header, size or CRC differs from the directory. A zip bomb stops at its declared size.
        """
        return self._stream(self.member(name))

    def _stream(self, member: Member) -> Iterator[bytes]:
        start = self._start_of_data(member)
        end = start + member.compressed_size
        pieces = self._source.pieces(start, end, member.end)
        crc = size = 0
        for chunk in _inflate(member, pieces):
            size += len(chunk)
            if size > member.size:
                raise _damaged(member, f"expected {member.size} bytes, found more")
            crc = zlib.crc32(chunk, crc)
            yield chunk
        if size != member.size:
            raise _damaged(member, f"expected {member.size} bytes, found {size}")
        if crc != member.crc:
            raise _damaged(member, f"expected CRC-32 {member.crc:08x}, found {crc:08x}")
        if self._source.fetch(end, member.end, member.end) not in _descriptors(member):
            raise _damaged(member, "bytes that belong to no member follow it")

    def _start_of_data(self, member: Member) -> int:
        name = member.name.encode()
        after_name = member.offset + LOCAL_HEADER.size + len(name)
        header = self._source.fetch(member.offset, after_name, member.end)
        signature, _, flags, method, _, _, *known, name_length, extra_length = LOCAL_HEADER.unpack_from(header)
        if signature != LOCAL_SIGNATURE:
            raise _damaged(member, "no local header where the directory says")
        if name_length != len(name) or header[LOCAL_HEADER.size :] != name:
            raise _damaged(member, "the local header has another name")
        start: int = after_name + extra_length
        if member.end - start - member.compressed_size not in {len(each) for each in _descriptors(member)}:
            raise _damaged(member, "it does not end where the next member begins")
        extra = self._source.fetch(after_name, start, member.end)
        found = (flags & _COMPARED_FLAGS, method, *_with_zip64(member, known, extra))
        expected = (member.flags & _COMPARED_FLAGS, member.method, member.crc, member.compressed_size, member.size)
        # A header written before its data has zeros for CRC and sizes, and a descriptor follows the data.
        unknown = (*expected[:2], 0, 0, 0)
        if found != expected and not (member.flags & DESCRIPTOR and found == unknown):
            raise _damaged(member, "its local header disagrees with the directory")
        return start


class _Source:
    """The archive's bytes: the tail stays in memory, and so does the last range that was read."""

    def __init__(self, reader: RangedReader, tail: bytes, tail_offset: int) -> None:
        self._reader = reader
        self._tail = memoryview(tail)
        self._tail_offset = tail_offset
        self._buffer = memoryview(b"")
        self._buffer_offset = -1
        self._least_read = _LEAST_READ

    def fetch(self, start: int, end: int, wanted: int) -> bytes:
        """Return the bytes from start to end; those up to ``wanted`` will be needed next."""
        return b"".join(self.pieces(start, end, wanted))

    def pieces(self, start: int, end: int, wanted: int) -> Iterator[memoryview]:
        """Yield the bytes from start to end in pieces of at most 256 KiB."""
        while start < end:
            piece = self._piece(start, min(end, start + _PIECE), wanted)
            yield piece
            start += len(piece)

    def _piece(self, start: int, end: int, wanted: int) -> memoryview:
        if start >= self._tail_offset:
            return self._tail[start - self._tail_offset : end - self._tail_offset]
        if not self._buffer_offset <= start < self._buffer_offset + len(self._buffer):
            self._read_buffer(start, wanted)
        return self._buffer[start - self._buffer_offset : end - self._buffer_offset]

    def _read_buffer(self, start: int, wanted: int) -> None:
        follows = start == self._buffer_offset + len(self._buffer)
        self._least_read = min(2 * self._least_read, _MOST_READ) if follows else _LEAST_READ
        length = max(self._least_read, min(wanted - start, _MOST_READ))
        self._buffer = memoryview(_read(self._reader, start, min(start + length, self._tail_offset)))
        self._buffer_offset = start


def _read(reader: RangedReader, start: int, end: int) -> bytes:
    data = reader.read(start, end - start) if end > start else b""
    if len(data) != end - start:
        raise EOFError(f"expected {end - start} bytes of the archive at {start}, found {len(data)}")
    return data


def _with_zip64(member: Member, known: list[int], extra: bytes) -> list[int]:
    """Complete a local header's CRC, compressed size and size from its ZIP64 field (APPNOTE 4.5.3)."""
    crc, compressed, size = known
    if _WIDER not in (compressed, size):
        return known
    wide = list(_zip64_field(extra))
    if len(wide) < (compressed == _WIDER) + (size == _WIDER):
        raise _damaged(member, "the ZIP64 field of its local header is missing or damaged")
    size = wide.pop(0) if size == _WIDER else size
    compressed = wide.pop(0) if compressed == _WIDER else compressed
    return [crc, compressed, size]


def _zip64_field(extra: bytes) -> tuple[int, ...]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        at += 4
        if kind == _EXTRA_ZIP64 and at + length <= len(extra):
            return struct.unpack_from(f"<{length // 8}Q", extra, at)
        at += length
    return ()


def _descriptors(member: Member) -> list[bytes]:
    """Return what may follow a member's data: nothing, or any form of its data descriptor (APPNOTE 4.3.9)."""
    if not member.flags & DESCRIPTOR:
        return [b""]
    wide = struct.pack("<LQQ", member.crc, member.compressed_size, member.size)
    forms = [wide]
    if max(member.compressed_size, member.size) <= _WIDER:
        forms.append(struct.pack("<3L", member.crc, member.compressed_size, member.size))
    return [signature + form for form in forms for signature in (b"", _DESCRIPTOR_SIGNATURE)]


def _inflate(member: Member, pieces: Iterator[memoryview]) -> Iterator[bytes]:
    if member.method == zipfile.ZIP_STORED:
        for piece in pieces:
            yield bytes(piece)
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in pieces:
            yield from _inflated_from(inflater, piece)
            if inflater.eof:
                break
    except zlib.error as error:
        raise _damaged(member, f"its data cannot be inflated ({error})") from error
    if not inflater.eof:
        raise _damaged(member, "its data stops before its end")
    if inflater.unused_data or next(pieces, None) is not None:
        raise _damaged(member, "its data continues after its end")


def _inflated_from(inflater: "zlib._Decompress", piece: bytes | memoryview) -> Iterator[bytes]:
    while not inflater.eof:
        chunk = inflater.decompress(piece, _CHUNK)
        piece = inflater.unconsumed_tail
        if not chunk and not piece:
            return
        if chunk:
            yield chunk


def _damaged(member: Member, problem: str) -> InvalidRelease:
    return InvalidRelease([f"{quote(member.name)}: {problem}"])
