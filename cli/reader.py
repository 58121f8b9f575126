"""A local zip, read in the same way as one in S3."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileReader:
    """A local file as a RangedReader."""

    path: Path

    @property
    def size(self) -> int:
        """The file's size in bytes."""
        return self.path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        """Give exactly ``length`` bytes from ``offset`` on; raises EOFError where the file has fewer."""
        with self.path.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        if len(data) != length:
            raise EOFError(f"{self.path}: expected {length} bytes at {offset}, found {len(data)}")
        return data
