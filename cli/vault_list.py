"""``belay vault list APPLICATION``: the copies of an application's databases in its stages' vaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from belay.database.kinds import KINDS
from belay.database.restore import COPIED_FROM_TAG
from belay.errors import AccessDenied
from belay.release.from_vault import copies_of, copy_arn, release_of
from belay.release.registration import Stage
from belay.release.vault import Vault
from belay.release.vault_copy import VaultCopy
from cli.account import Account, Where, calls_aws
from cli.naming import application_argument
from cli.output import at, section, table, tell
from cli.problems import Refused
from cli.profiles import VAULT_PROFILE, of_vault, policies_told


@click.command()
@application_argument
@click.option("--stage", metavar="STAGE", help="only this stage's; default: all stages with a vault")
@VAULT_PROFILE
@calls_aws
def command(application: str, stage: str | None, vault_profile: str | None, where: Where, output: str) -> int:
    """List the copies of an application's databases in its stages' vaults, and what is still to be copied.

    Belay's own roles may not look there: --vault-profile names credentials of the vault's account with the policy
    belay-lend-from-vault, which accounts/vault.yaml makes.
    """
    belay = Account.of(where)
    with policies_told():
        found = gather(belay, with_vault(belay, application, stage), vault_profile, where)
    tell(output, found, render(found))
    return 0


def with_vault(belay: Account, application: str, stage: str | None) -> list[tuple[Stage, Vault]]:
    """Return an application's stages that have a vault, or the one named. Raises ``Refused`` where there is none."""
    stages = [each for each in belay.registrations.read().stages if each.application == application]
    if not stages:
        raise Refused(f"{application} has no stages that can be read; see `belay list` and `belay doctor`")
    if stage is not None and stage not in {each.name for each in stages}:
        raise Refused(f"{application} has no stage {stage}; registered: {', '.join(each.name for each in stages)}")
    found = [(each, each.vault) for each in stages if each.vault is not None and stage in (None, each.name)]
    if not found:
        raise Refused(f"{stage or application} has no vault registered: docs/databases.md#a-vault-in-another-account")
    return found


def gather(belay: Account, stages: Sequence[tuple[Stage, Vault]], profile: str | None, where: Where) -> dict[str, Any]:
    """Return the copies of each stage, what waits to be copied, and which vaults could not be looked into.

    Raises ``Refused`` or ``AccessDenied`` where none could.
    """
    waiting = belay.ledger.vault_copies.every()
    copies: list[dict[str, Any]] = []
    refusals: dict[str, Exception] = {}
    for stage, vault in stages:
        try:
            databases = of_vault(vault, profile, where).databases
            for kind in KINDS.values():
                taken = copies_of(databases.manual_snapshots(kind), stage.application, stage.name)
                copies += [
                    {
                        "stage": stage.name,
                        "database": each.source,
                        "kind": kind.name,
                        "copy": each.name,
                        "release": release_of(each),
                        "taken": None if each.data_of is None else each.data_of.isoformat(timespec="seconds"),
                        "status": each.status,
                        "arn": copy_arn(vault, kind, each.name),
                        "copied_from": each.tags[COPIED_FROM_TAG],
                    }
                    for each in taken
                ]
        except (Refused, AccessDenied) as refused:
            refusals[f"{vault} of {stage.name}"] = refused
    if len(refusals) == len(stages):
        raise next(iter(refusals.values()))
    of = {(stage.application, stage.name) for stage, _ in stages}
    return {
        "copies": copies,
        "waiting": [_waiting(each) for each in waiting if (each.origin.application, each.stage) in of],
        "problems": [f"{what}: {refused}" for what, refused in refusals.items()],
    }


def _waiting(copy: VaultCopy) -> dict[str, Any]:
    return {
        "stage": copy.stage,
        "database": copy.database,
        "snapshot": copy.name,
        "release": copy.origin.name,
        "since": copy.since.isoformat(timespec="seconds"),
        "failing": copy.failing or None,
    }


def render(found: Mapping[str, Any]) -> list[str]:
    """Return the text for people."""
    columns = ("stage", "database", "taken", "before", "status", "copy")
    rows = [
        (each["stage"], each["database"], at(each["taken"]), each["release"], each["status"], each["copy"])
        for each in found["copies"]
    ]
    lines = table(columns, rows) or ["There is no copy."]
    lines += section("Not in the vault yet:", list(_not_there(found["waiting"])))
    return [*lines, *section("Not looked into:", found["problems"])]


def _not_there(waiting: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in waiting:
        why = f"refused: {each['failing']}" if each["failing"] else "being copied"
        yield f"{each['snapshot']} of {each['database']} in {each['stage']}, since {at(each['since'])}: {why}"
