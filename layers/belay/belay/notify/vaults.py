"""Messages about copies of snapshots in a stage's vault: only of those that could not be made when they were to be."""

import shlex

from belay.notify.deployment import Deployment
from belay.notify.message import About, Message, MessageKind, ThreadState, Urgency, compose
from belay.release.left_to_do import LeftToDo
from belay.release.vault_copy import TIME, VaultCopy

_HOURS = int(TIME.total_seconds()) // 3600


def vault_copy_failing(copy: VaultCopy, why: str) -> Message:
    """Tell that a copy is refused. It is tried again until its time is up."""
    return compose(
        MessageKind.VAULT_COPY_FAILED,
        Urgency.WARNING,
        _about(copy),
        "SNAPSHOT NOT IN VAULT",
        what=f"A copy of {copy.in_words} was to be made in {copy.vault}, and is refused: {why}. {_subject(copy)} "
        f"is not affected. Belay tries again every five minutes, until {_HOURS} hours have passed.",
        left_to_do=[LeftToDo(copy.name, "correct what refuses the copy, such as a key's policy or the vault's role")],
        look=_look(copy),
        key=copy.name,
    )


def vault_copy_given_up(copy: VaultCopy, why: str) -> Message:
    """Tell that a copy was not made, and that Belay does not try again."""
    asked = {
        f"--source-{_option(copy)}": copy.source,
        f"--target-{_option(copy)}": copy.name,
        "--kms-key-id": copy.vault.key,
        "--source-region": copy.source.split(":")[3],
        "--region": copy.vault.region,
    }
    arguments = " ".join(f"{name} {shlex.quote(value)}" for name, value in asked.items())
    return compose(
        MessageKind.VAULT_COPY_FAILED,
        Urgency.WARNING,
        _about(copy),
        "SNAPSHOT NOT IN VAULT",
        what=f"A copy of {copy.in_words} was to be made in {copy.vault}, and was not: {why}. {_subject(copy)} "
        "is not affected. Belay does not try again; the next snapshots are copied as ever.",
        left_to_do=[
            LeftToDo(
                copy.name,
                f"copy the snapshot by hand, as someone of account {copy.vault.account}, if you want it there",
                then=f"aws rds copy-{_noun(copy)} {arguments}",
            )
        ],
        look=_look(copy),
        key=f"{copy.name}/given-up",
    )


def vault_copied(copy: VaultCopy) -> Message:
    """Tell that a copy that was refused before is available."""
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


def _subject(copy: VaultCopy) -> str:
    return f"The execution {copy.origin.name}" if copy.pipeline else "The release"


def _deployment(copy: VaultCopy) -> Deployment:
    return Deployment(copy.origin.application, copy.origin.name, copy.stage, thread=copy.origin.thread)


def _look(copy: VaultCopy) -> list[str]:
    source = shlex.quote(copy.source)
    return [
        *([] if copy.pipeline else _deployment(copy).look()),
        f"aws rds describe-{_noun(copy)}s --{_option(copy)} {source} --region {copy.source.split(':')[3]}",
    ]


def _noun(copy: VaultCopy) -> str:
    """The snapshot's kind as the AWS CLI spells it."""
    return {"instance": "db-snapshot", "cluster": "db-cluster-snapshot"}[copy.kind]


def _option(copy: VaultCopy) -> str:
    return f"{_noun(copy)}-identifier"
