"""Gap: a template parameter whose SSM parameter does not exist is refused in words of ministack's own.

AWS says which parameters it could not fetch, and callers tell this refusal from others by its text. It can go when
ministack uses AWS's.
"""

from __future__ import annotations

import re
from typing import Any

from ministack.services.cloudformation import changesets, handlers

THEIRS = re.compile(r"SSM parameter '(?P<name>[^']+)' does not exist")


def install() -> None:
    """Say it as AWS does."""
    resolve = handlers._resolve_parameters

    def resolve_or_say_which(*arguments: Any) -> Any:
        try:
            return resolve(*arguments)
        except ValueError as error:
            if found := THEIRS.search(str(error)):
                message = f"Unable to fetch parameters [{found['name']}] from parameter store for this account."
                raise ValueError(message) from error
            raise

    handlers._resolve_parameters = resolve_or_say_which
    changesets._resolve_parameters = resolve_or_say_which
