"""Limits on what is read: a gate has a Lambda function's minutes and memory, which a hostile file must not exhaust."""

from typing import Final

MAX_FILE_BYTES: Final = 20_000_000
MAX_BYTES: Final = 50_000_000
"""Of all files of changes together."""

MAX_STATEMENTS: Final = 100_000
"""Of all files of changes together."""

MAX_ELEMENTS: Final = 200_000
"""Of one changelog, with its aliases expanded."""

MAX_TERMINATORS: Final = 20
"""Different ones that one file declares."""

MAX_MODIFIED: Final = 200_000_000
"""Characters produced by one ``modifySql``, for each of its parts."""

MAX_EFFORT: Final = 100_000_000
"""Of following the changes of a release: each change of structure costs one for each existing table, and
``EFFORT_OF_PART`` for each column, constraint and index of the tables that it changes, which are all copied.
"""
EFFORT_OF_PART: Final = 30

MAX_PARTS: Final = 3_000
"""Columns, constraints and indexes of one table created by one statement."""

MAX_PROBLEMS: Final = 100
"""Reported per file; there may be more."""
