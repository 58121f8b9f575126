"""Writes zips byte by byte, because the standard library refuses to write invalid ones."""

import io
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from belay.release.archive import RangedReader

STORED, DEFLATED = 0, 8
UTF8, DESCRIPTOR, ENCRYPTED, PATCH = 0x0800, 0x0008, 0x0001, 0x0020
FULL = 0xFFFFFFFF


def deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


@dataclass
class Entry:
    """One member. ``local`` and ``central`` replace fields of one header; ``hole`` is a run of zeros never written."""

    name: bytes | str
    data: bytes = b""
    method: int = STORED
    flags: int = UTF8
    mode: int | None = None
    raw: bytes | None = None
    hole: int = 0
    zip64: bool = False
    descriptor: bytes | None = None
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        raw = self.raw
        if raw is None:
            raw = deflate(self.data) if self.method == DEFLATED else self.data
        return {
            "name": self.name.encode() if isinstance(self.name, str) else self.name,
            "raw": raw,
            "flags": self.flags | (DESCRIPTOR if self.descriptor is not None else 0),
            "method": self.method,
            "crc": zlib.crc32(self.data),
            "compressed": len(raw) + self.hole,
            "size": len(self.data) + self.hole,
            "extra": b"",
            "disk": 0,
        }


def write_zip(file: BinaryIO, entries: Sequence[Entry], comment: bytes = b"", zip64: bool = False, **end: int) -> None:
    """Write a zip. ``end`` replaces fields of the end record."""
    central = b""
    for entry in entries:
        offset = file.tell()
        _write_member(file, entry)
        central += _central_header(entry, offset)
    start = file.tell()
    fields = {
        "disk": 0,
        "directory_disk": 0,
        "here": len(entries),
        "total": len(entries),
        "size": len(central),
        "offset": start,
        **end,
    }
    file.write(central + _end(start + len(central), fields, comment, zip64))


def zip_bytes(*entries: Entry, comment: bytes = b"", zip64: bool = False, prefix: bytes = b"", **end: int) -> bytes:
    file = io.BytesIO()
    file.write(prefix)
    write_zip(file, entries, comment, zip64, **end)
    return file.getvalue()


def _write_member(file: BinaryIO, entry: Entry) -> None:
    unknown = {"crc": 0, "compressed": 0, "size": 0} if entry.descriptor is not None else {}
    local = {**entry.fields(), **unknown}
    if entry.zip64:
        local["extra"] += struct.pack("<2H2Q", 1, 16, local["size"], local["compressed"])
        local |= {"size": FULL, "compressed": FULL}
    local |= entry.local
    file.write(
        struct.pack(
            "<4s5H3L2H",
            local.get("signature", b"PK\x03\x04"),
            *(20, local["flags"], local["method"], 0, 0x21),
            *(local["crc"], local["compressed"], local["size"]),
            *(len(local["name"]), len(local["extra"])),
        )
        + local["name"]
        + local["extra"]
        + local["raw"]
    )
    file.seek(entry.hole, io.SEEK_CUR)
    file.write(entry.descriptor or b"")


def _central_header(entry: Entry, offset: int) -> bytes:
    central = {**entry.fields(), "offset": offset}
    if entry.zip64:
        central["extra"] += struct.pack("<2H3Q", 1, 24, central["size"], central["compressed"], offset)
        central |= {"size": FULL, "compressed": FULL, "offset": FULL}
    central |= entry.central
    mode = entry.mode or (0o040755 if central["name"].endswith(b"/") else 0o100644)
    header = struct.pack(
        "<4s4B4H3L5H2L",
        b"PK\x01\x02",
        *(20, 3, 20, 0, central["flags"], central["method"], 0, 0x21),
        *(central["crc"], central["compressed"], central["size"]),
        *(len(central["name"]), len(central["extra"]), 0, central["disk"], 0),
        *(mode << 16, central["offset"]),
    )
    return header + bytes(central["name"]) + bytes(central["extra"])


def _end(at: int, fields: dict[str, int], comment: bytes, zip64: bool) -> bytes:
    wide = b""
    values = [fields[key] for key in ("disk", "directory_disk", "here", "total", "size", "offset")]
    if zip64:
        wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44 + fields.get("length_error", 0), 45, 45, *values)
        wide += struct.pack("<4sLQL", b"PK\x06\x07", 0, at + fields.get("locator_error", 0), 1)
        values = [0, 0, 0xFFFF, 0xFFFF, FULL, fields.get("narrow_offset", FULL)]
    return wide + struct.pack("<4s4H2LH", b"PK\x05\x06", *values, len(comment)) + comment


@dataclass(frozen=True)
class BytesReader:
    """Bytes as a RangedReader."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


@dataclass
class CountingReader:
    """A RangedReader that records what was read of another."""

    reader: RangedReader
    reads: list[tuple[int, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return self.reader.size

    def read(self, offset: int, length: int) -> bytes:
        self.reads.append((offset, length))
        return self.reader.read(offset, length)
