"""Entries of the zips that the command writes: the same for the same files, whatever their dates and owners."""

import stat
import zipfile
from typing import Final

_FIRST_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest date in a zip. Real dates would make zips of the same files differ."""
_UNIX: Final = 3


def entry(name: str, *, runnable: bool = False) -> zipfile.ZipInfo:
    """Return the entry of a file that everybody may read, and run if it is ``runnable``."""
    made = zipfile.ZipInfo(name, _FIRST_DATE)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.create_system = _UNIX
    made.external_attr = (stat.S_IFREG | (0o755 if runnable else 0o644)) << 16
    return made
