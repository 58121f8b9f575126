"""The gate of database changes: applies their policies to what a release would apply."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain
from typing import Final

from belay.policy.applied import applied as applying
from belay.policy.applied import policies_in
from belay.policy.database_changes import files, pending_changes, walk
from belay.policy.rules import database_change
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.sql.changes import DatabaseChange, Engine
from belay.sql.model import Model

NUMBER: Final = re.compile(r"[VvUu]?([0-9]+(?:[._-][0-9]+)*)(?=__|[-_.]|$)")


def check_database_changes(
    changes: Sequence[DatabaseChange],
    engine: Engine,
    settings: PolicySettings,
    today: date,
    *,
    applied: Mapping[str, str] | None = None,
    baseline: Model | None = None,
    alone: bool = False,
) -> Report:
    """Check a release's database changes, which are in the order in which they are applied.

    ``applied`` has the SHA-256 of what was applied before, by id, in the order in which it was: only the rest is
    checked. ``baseline`` is the model of the database before the pending changes; without it, that is what the applied
    changes made. With ``alone`` each change is a release of its own. Findings are sorted by file and line.
    """
    # Reading SQL takes long to import, and most importers of this module need none.
    from belay.sql.replay import replay  # noqa: PLC0415

    recorded = applied or {}
    pending = pending_changes(changes, recorded)
    if baseline is None:
        baseline = model_after([change for change in changes if change.id in recorded], engine)
    subject = walk(replay(pending, engine, baseline), engine, tuple(changes), recorded, baseline, alone=alone)
    ours = applying(policies_in(database_change), settings, today)
    found = chain.from_iterable(one.findings(subject, settings) for one in ours)
    ordered = sorted(dict.fromkeys(found), key=lambda one: (one.path, one.line, one.column, one.severity.rank))
    slugs = tuple(one.rule.slug for one in ours)
    return Report(tuple(ordered), tuple((path, slugs) for path in files(pending)))


def parsed(changes: Iterable[DatabaseChange], engine: Engine) -> tuple[DatabaseChange, ...]:
    """Return changes with their statements' operations, so that several checks of them parse them once."""
    from belay.sql.parsing import operations  # noqa: PLC0415

    return tuple(
        replace(
            change,
            statements=tuple(replace(each, operations=operations(each, engine)) for each in change.statements),
        )
        for change in changes
    )


def model_after(changes: Iterable[DatabaseChange], engine: Engine) -> Model:
    """Return the model of an otherwise unknown database to which these changes were applied."""
    from belay.sql.replay import replay  # noqa: PLC0415

    model = Model()
    for step in replay(changes, engine):
        model = step.after
    return model


def applied_before(changes: Sequence[DatabaseChange], version: str) -> dict[str, str]:
    """Return the digests of the changes up to a schema version, at which the release says that it starts.

    The version is that of a change: its id, or the number or version that its id begins with. If none has it, nothing
    was applied.
    """
    ordered = [change for change in changes if not change.repeatable]
    last = last_of([change.id for change in ordered], version)
    return {each.id: each.digest for each in ordered[:last]}


def last_of(names: Sequence[str], version: str) -> int:
    """Return how many of the names, which are in order, are not after a version; 0 if none has it.

    A name has a version if it is the version, or begins with it, as ``V2.1__x`` and ``0012-x`` do; if none does, one
    that begins with more, as ``2026-01-31_x`` begins with 2026-01.
    """
    wanted, numbers = number_of(version), [number_of(name) for name in names]
    exactly = [each for each, name in enumerate(names) if name == version or (wanted and numbers[each] == wanted)]
    begins = [each for each, number in enumerate(numbers) if wanted and number[: len(wanted)] == wanted]
    return max(exactly or begins, default=-1) + 1


def number_of(version: str) -> tuple[str, ...]:
    """Return the parts of a version, or of a change name's version prefix, without leading zeros."""
    found = NUMBER.match(version)
    return tuple(part.lstrip("0") for part in re.split("[._-]", found[1])) if found else ()
