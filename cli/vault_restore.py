"""``belay vault restore APPLICATION STAGE``: restore a database from its copy in the stage's vault."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import click

from belay.control.vault_restores import VaultRestore
from belay.database.snapshots import Snapshot, SnapshotState
from belay.errors import ServiceUnavailable, Throttled
from belay.release.from_vault import copies_of, release_of
from belay.release.left_to_do import LeftToDo
from belay.release.registration import Database, Stage
from belay.rollback.plan import Action, Remark, Step, Todo
from cli.account import Account, Where, calls_aws
from cli.agreement import agreed
from cli.naming import application_argument, stage_argument
from cli.options import gathered
from cli.output import ago, at, plain, tell
from cli.problems import REFUSED, Refused
from cli.profiles import STAGE_PROFILE, VAULT_PROFILE, of_stage, of_vault, policies_told
from cli.vault_list import with_vault

LOOK_EVERY_SECONDS: Final = 5.0
MOST_MISSED: Final = 5
"""How many looks in a row may fail, each of them with botocore's own retries, before the command fails."""
Looked = TypeVar("Looked")
_SWAPPING: Final = (Action.RENAME_ORIGINAL, Action.RENAME_RESTORED)


@dataclass(frozen=True)
class RestoreWanted:
    """What is restored, how far, and with whose credentials."""

    database: str | None
    copy: str | None
    key: str | None
    plan: bool
    beside: bool
    yes: bool
    vault_profile: str | None
    stage_profile: str | None


_ASKED: Final = gathered(
    "asked",
    RestoreWanted,
    click.option("--database", metavar="NAME", help="which database, by its identifier; default: the only one"),
    click.option("--copy", metavar="NAME", help="which copy; default: the newest that is available"),
    click.option("--key", metavar="KEY", help="the KMS key that encrypts it there; default: that of the database now"),
    click.option("--plan", is_flag=True, help="only show what would be done"),
    click.option("--beside", is_flag=True, help="restore it beside the database, and leave the names as they are"),
    click.option("--yes", is_flag=True, help="ask nothing: neither before it begins, nor before the names are swapped"),
    VAULT_PROFILE,
    STAGE_PROFILE,
)


@click.command()
@application_argument
@stage_argument
@_ASKED
@calls_aws
def command(application: str, stage: str, asked: RestoreWanted, where: Where, output: str) -> int:
    """Restore a database from its copy in the stage's vault, and swap it with the one that has its name.

    The copy is shared with the stage's account, copied there with a key of its own, and restored beside the database,
    like it. Then the names are swapped, as a rollback does; the replaced database is kept. A restore that was
    interrupted continues when it is run again.

    Belay's own roles may not do this: --vault-profile needs the policy belay-lend-from-vault (accounts/vault.yaml),
    --stage-profile belay-restore-from-vault (accounts/restorer.yaml).
    """
    belay = Account.of(where)
    refuse_busy(belay, application, stage)
    with policies_told():
        restore = chosen(belay, application, stage, asked, where)
        found = asked_for(belay, restore, asked, output)
    if output == "json":
        tell(output, found, [])
    return REFUSED if found["left_to_do"] else 0


def asked_for(belay: Account, restore: VaultRestore, asked: RestoreWanted, output: str) -> dict[str, Any]:
    """Show what would be done, and do what is asked for; return the document that tells how far it came."""
    planned = [each for each in restore.plan() if not isinstance(each, Remark)]
    screen = RestoreScreen(restore, talks=output == "text")
    screen.say(*preview(restore, planned))
    if asked.plan or any(isinstance(each, LeftToDo) for each in planned):
        return screen.document("planned" if asked.plan else "left", planned)
    if not planned:
        return screen.document("swapped", restore.plan())
    _agree("Begin?", asked, output, "nothing was changed")
    return carried_out(belay, restore, asked, screen)


def chosen(belay: Account, application: str, stage: str, asked: RestoreWanted, where: Where) -> VaultRestore:
    """Return the restore of what is asked for. Raises ``Refused`` where that is nothing, or not one thing."""
    ((registered, vault),) = with_vault(belay, application, stage)
    database = _database(registered, asked.database)
    lender = of_vault(vault, asked.vault_profile, where).databases
    copies = copies_of(lender.manual_snapshots(database.kind), application, stage)
    copy = _copy([each for each in copies if each.source == database.identifier], database, asked.copy)
    there = of_stage(registered, registered.region(belay.region), asked.stage_profile, where).databases
    restore = VaultRestore(registered, database, vault, copy, lender, there, registered.account, asked.key or "")
    if restore.key:
        return restore
    units = restore.look().units
    described = units[0].original or units[0].restored or {}
    if not described.get("KmsKeyId"):
        raise Refused(
            f"{database} is not encrypted, and copies from a vault always are. Pass --key KEY and --beside: Belay "
            "swaps only databases with the same settings, so you then swap the names yourself"
        )
    restore.key = str(described["KmsKeyId"])
    return restore


def _database(stage: Stage, wanted: str | None) -> Database:
    found = [each for each in stage.databases if wanted in (None, each.identifier)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(each.identifier for each in stage.databases)
    if wanted is None:
        raise Refused(f"{stage.application}/{stage.name} has several databases: pass --database with one of {known}")
    raise Refused(f"{stage.application}/{stage.name} has no database {wanted}; registered: {known}")


def _copy(copies: Sequence[Snapshot], database: Database, wanted: str | None) -> Snapshot:
    """Return the copy that is asked for, or the newest available one."""
    found = [each for each in copies if wanted in (None, each.name)]
    available = [each for each in found if each.state is SnapshotState.AVAILABLE]
    if available:
        return available[0]
    if found:
        raise Refused(
            f"the copy {found[0].name} of {database} is {found[0].status}, not available: wait, or pass --copy"
        )
    if wanted is not None and copies:
        raise Refused(f"there is no copy {wanted} of {database}; there are {', '.join(each.name for each in copies)}")
    raise Refused(f"there is no copy of {database} in the vault; `belay vault list` shows what there is")


def refuse_busy(belay: Account, application: str, stage: str) -> None:
    """Raise ``Refused`` while the stage's lock is held: a release or a recovery changes it."""
    held = belay.ledger.locks.get(application, stage)
    if held is not None and held.held:
        raise Refused(
            f"{application}/{stage} is locked: a release or a recovery changes it now. `belay status {application}` "
            "shows it, `belay abort` stops a release, `belay unlock` shows who holds the lock"
        )


def preview(restore: VaultRestore, planned: Sequence[Todo]) -> list[str]:
    """Say what is restored from what, and what will be done."""
    copy = restore.copy
    old = "" if copy.data_of is None else f", {ago(copy.data_of, datetime.now(UTC))} ago"
    taken = at(None if copy.data_of is None else copy.data_of.isoformat())
    writers = ", ".join(str(each) for each in restore.stage.services) or "none is registered"
    return [
        f"{restore.database} of {restore.stage.application}/{restore.stage.name}, from {restore.vault}",
        f"  copy      {copy.name}",
        f"  taken     {taken}{old}, before {release_of(copy)}; later writes are lost, and kept in {restore.replaced}",
        f"  writers   {writers}: stop them before the names are swapped",
        "",
        f"  1. share the copy with account {restore.account}",
        f"  2. copy it there as {restore.name}, encrypted with {restore.key}, and stop sharing it",
        *(f"  {number}. {_words(each)}" for number, each in enumerate(planned, 3)),
    ]


def _words(todo: Todo) -> str:
    return f"{todo.why} ({todo.call[1]})" if isinstance(todo, Step) else todo.in_words()


class RestoreScreen:
    """Says what happens, unless a program reads the output; and keeps it for the document at the end."""

    def __init__(self, restore: VaultRestore, *, talks: bool) -> None:
        self._restore = restore
        self._talks = talks
        self._waited_for = ""
        self.steps: list[str] = []

    def say(self, *lines: str) -> None:
        """Write lines."""
        if self._talks:
            print(plain("\n".join(lines)), flush=True)

    def did(self, what: str) -> None:
        """Say that something was asked of AWS."""
        self.steps.append(what)
        self.say(f"{datetime.now(UTC):%H:%M:%S}  {what}")

    def waits(self, what: str) -> None:
        """Say once what is waited for."""
        if what != self._waited_for:
            self._waited_for = what
            self.say(f"{datetime.now(UTC):%H:%M:%S}  {what}")

    def document(self, state: str, todos: Sequence[Todo]) -> dict[str, Any]:
        """Return what ``--output json`` prints, and say what the restore left."""
        restore = self._restore
        left = [each.in_words() for each in todos if isinstance(each, LeftToDo)]
        noted = [each.in_words() for each in todos if isinstance(each, Remark)]
        self.say(*(f"LEFT TO DO  {each}" for each in left), *noted)
        return {
            "application": restore.stage.application,
            "stage": restore.stage.name,
            "database": restore.database.identifier,
            "copy": restore.copy.name,
            "release": release_of(restore.copy),
            "snapshot": restore.name,
            "restored_as": restore.restored,
            "replaced": restore.replaced,
            "state": state,
            "steps": [_words(each) for each in todos if isinstance(each, Step)] if state == "planned" else self.steps,
            "left_to_do": left,
            "notes": noted,
        }


def carried_out(belay: Account, restore: VaultRestore, asked: RestoreWanted, screen: RestoreScreen) -> dict[str, Any]:
    """Bring the copy, restore it, and swap the names; return the document that tells how far it came."""
    screen.did(f"{restore.copied_from} is shared, and copied as {restore.name}")
    while not _patiently(restore.bring):
        screen.waits(f"waiting for the snapshot {restore.name}")
        time.sleep(LOOK_EVERY_SECONDS)
    screen.did(f"{restore.name} is available; the copy is no longer shared")
    swap = asked.yes
    while True:
        todos = _patiently(restore.plan)
        steps = [each for each in todos if isinstance(each, Step)]
        if any(isinstance(each, LeftToDo) for each in todos) and not steps:
            return screen.document("left", todos)
        if not steps:
            return screen.document("swapped", todos)
        step = steps[0]
        if step.action in _SWAPPING and asked.beside:
            return screen.document("beside", [])
        if step.action is Action.RENAME_ORIGINAL and not swap:
            refuse_busy(belay, restore.stage.application, restore.stage.name)
            kept = f"{restore.restored} stays beside {restore.database.identifier}, and nothing else was changed"
            _agree(f"{restore.restored} is ready. Writers are stopped: swap the names?", asked, "text", kept)
            swap = True
        if step.action is Action.WAIT:
            screen.waits(step.why)
        else:
            restore_step(restore, step)
            screen.did(_words(step))
        time.sleep(LOOK_EVERY_SECONDS)


def restore_step(restore: VaultRestore, step: Step) -> None:
    """Make a step's call; throttling and outages are left to the next look."""
    try:
        restore.perform(step)
    except (Throttled, ServiceUnavailable):
        return


def _patiently(look: Callable[[], Looked]) -> Looked:
    """Wait out throttling and outages: what AWS is doing continues meanwhile."""
    for _ in range(MOST_MISSED - 1):
        try:
            return look()
        except (Throttled, ServiceUnavailable):
            time.sleep(LOOK_EVERY_SECONDS)
    return look()


def _agree(question: str, asked: RestoreWanted, output: str, otherwise: str) -> None:
    if not asked.yes and not (output == "text" and agreed(question, otherwise)):
        raise Refused(otherwise)
