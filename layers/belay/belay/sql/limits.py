"""What is read at most: a gate has a Lambda function's minutes and memory; a hostile file is not to use them up."""

from typing import Final

MAX_FILE_BYTES: Final = 20_000_000
MAX_BYTES: Final = 50_000_000
"""Of all files of changes together."""

MAX_STATEMENTS: Final = 100_000
"""Of all files of changes together."""

MAX_ELEMENTS: Final = 200_000
"""Of one changelog, with what its aliases stand for."""

MAX_TERMINATORS: Final = 20
"""Different ones that one file declares."""

MAX_MODIFIED: Final = 200_000_000
"""Characters that what one ``modifySql`` does makes, each of its parts by itself."""

MAX_EFFORT: Final = 100_000_000
"""Of following what the changes of a release do: each change of structure costs one for each table that is there, and
``EFFORT_OF_PART`` for each column, constraint and index of the tables that it changes, which are all copied."""
EFFORT_OF_PART: Final = 30

MAX_PARTS: Final = 3_000
"""Columns, constraints and indexes of one table that are made at once."""

MAX_PROBLEMS: Final = 100
"""Reported of one file; there may be more."""
