"""Messages about copies of snapshots in a stage's vault: only about those that failed at first."""

import shlex

from belay.database.command_line import words
from belay.notify.deployment import Deployment
from belay.notify.message import About, Message, MessageKind, ThreadState, Urgency, compose
from belay.release.left_to_do import LeftToDo
from belay.release.vault_copy import TIME, VaultCopy

_HOURS = int(TIME.total_seconds()) // 3600


def vault_copy_failing(copy: VaultCopy, why: str) -> Message:
    """Report that a copy is refused. It is tried again until its time is up."""
    return _failed(
        copy,
        f"is refused: {why}",
        f"Belay tries again every five minutes, until {_HOURS} hours have passed.",
        LeftToDo(copy.name, "fix what refuses the copy, such as a key's policy or the vault's role"),
        key=copy.name,
    )


def vault_copy_given_up(copy: VaultCopy, why: str) -> Message:
    """Report that a copy was not made, and that Belay does not try again."""
    asked = {
        f"--source-{_option(copy)}": copy.source,
        f"--target-{_option(copy)}": copy.name,
        "--kms-key-id": copy.vault.key,
        "--source-region": copy.source.split(":")[3],
        "--region": copy.vault.region,
    }
    arguments = " ".join(f"{name} {shlex.quote(value)}" for name, value in asked.items())
    return _failed(
        copy,
        f"failed: {why}",
        "Belay does not try again; the next snapshots are copied as usual.",
        LeftToDo(
            copy.name,
            f"copy the snapshot manually, as a user of account {copy.vault.account}, if you want it there",
            then=f"aws rds copy-{_noun(copy)} {arguments}",
        ),
        key=f"{copy.name}/given-up",
    )


def _failed(copy: VaultCopy, why: str, then: str, todo: LeftToDo, *, key: str) -> Message:
    subject = f"The execution {copy.origin.name}" if copy.pipeline else "The release"
    return compose(
        MessageKind.VAULT_COPY_FAILED,
        Urgency.WARNING,
        _about(copy),
        "SNAPSHOT NOT IN VAULT",
        what=f"Copying {copy.in_words} to {copy.vault} {why}. {subject} is not affected. {then}",
        left_to_do=[todo],
        look=[] if copy.pipeline else _deployment(copy).look(),
        look_there=[_look(copy)],
        key=key,
    )


def vault_copied(copy: VaultCopy) -> Message:
    """Report that a copy that was refused before is available."""
    return compose(
        MessageKind.VAULT_COPIED,
        Urgency.INFO,
        _about(copy),
        "SNAPSHOT IN VAULT",
        what=f"The copy of {copy.in_words} is available in {copy.vault}.",
        otherwise="Nothing to do.",
        key=copy.name,
        state=ThreadState.CLOSED,
        closes=frozenset({MessageKind.VAULT_COPY_FAILED}),
    )


def _about(copy: VaultCopy) -> About:
    origin, stage = copy.origin, copy.stage
    if copy.pipeline:
        named = f"{origin.application} in {stage}, pipeline {copy.pipeline}"
        return About(origin.application, named, stage=stage, thread=origin.thread)
    return _deployment(copy).about


def _deployment(copy: VaultCopy) -> Deployment:
    return Deployment(copy.origin.application, copy.origin.name, copy.stage, thread=copy.origin.thread)


def _look(copy: VaultCopy) -> str:
    source = shlex.quote(copy.source)
    return f"aws rds describe-{_noun(copy)}s --{_option(copy)} {source} --region {copy.source.split(':')[3]}"


def _noun(copy: VaultCopy) -> str:
    """The snapshot's kind as the AWS CLI spells it."""
    return words(copy.database_kind.snapshot.noun)


def _option(copy: VaultCopy) -> str:
    return f"{_noun(copy)}-identifier"
