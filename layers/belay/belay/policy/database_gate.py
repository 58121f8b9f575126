"""The gate of database changes: applies their policies to what a release would apply."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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

NUMBER: Final = re.compile(r"0*([0-9]+(?:\.[0-9]+)*)(?![\w.])")


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
    # What reads SQL takes long to import, and most that import this module judge none.
    from belay.sql.replay import replay  # noqa: PLC0415

    recorded = applied or {}
    pending = pending_changes(changes, recorded)
    if baseline is None:
        baseline = Model()
        for step in replay([change for change in changes if change.id in recorded], engine):
            baseline = step.after
    subject = walk(replay(pending, engine, baseline), engine, tuple(changes), recorded, baseline, alone=alone)
    ours = applying(policies_in(database_change), settings, today)
    found = chain.from_iterable(one.findings(subject, settings) for one in ours)
    ordered = sorted(dict.fromkeys(found), key=lambda one: (one.path, one.line, one.column, one.severity.rank))
    slugs = tuple(one.rule.slug for one in ours)
    return Report(tuple(ordered), tuple((path, slugs) for path in files(pending)))


def applied_before(changes: Sequence[DatabaseChange], version: str) -> dict[str, str]:
    """Return the digests of the changes up to the one of a schema version, which a release says it begins with.

    The version is that of a change: its id, or the number or version that its id begins with. If none has it, nothing
    was applied.
    """
    ordered = [change for change in changes if not change.repeatable]
    for position, change in enumerate(ordered):
        if version == change.id or (number_of(version) and number_of(version) == number_of(change.id)):
            return {each.id: each.digest for each in ordered[: position + 1]}
    return {}


def number_of(version: str) -> str:
    """Return a version's number, or that at the beginning of a change's id, without leading zeros."""
    found = NUMBER.match(version)
    return found[1] if found else ""
