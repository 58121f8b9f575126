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

MAX_PROBLEMS: Final = 100
"""Reported of one file; there may be more."""
