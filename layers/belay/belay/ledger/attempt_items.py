"""How attempts, their items and versions are stored in the ledger."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from belay.aws.dynamodb import Item, Table
from belay.documents import read
from belay.release.attempt import Attempt, InStage, Superseded, VersionHead, file_key
from belay.release.life import State
from belay.release.reason import Reason, from_document, to_dict
from belay.release.records import Outcome, ReleaseReference, Upload

_STAGE: Final = "stage#"
_SUPERSEDED: Final = "superseded#"


def attempt_key(application: str, attempt: str) -> tuple[str, str]:
    """Return the key of an attempt."""
    return f"APPLICATION#{application}", f"ATTEMPT#{attempt}"


def in_stage_key(kind: str, release: ReleaseReference, stage: str) -> tuple[str, str]:
    """Return the key of an item that an attempt has in each stage, such as its ``APPROVAL``."""
    return f"ATTEMPT#{release.application}#{release.attempt}", f"{kind}#{stage}"


def of_attempt_in(table: Table, kind: str, release: ReleaseReference, stage: str) -> Item | None:
    """Return an attempt's item in a stage.

    Earlier versions of Belay stored it with the attempt's version, where the next attempt replaced it.
    """
    item = table.get(*in_stage_key(kind, release, stage))
    if item is not None:
        return item
    item = table.get(_of_version(release), f"{kind}#{stage}")
    return item if item is not None and item["attempt"] == release.attempt else None


def of_attempt(table: Table, kind: str, release: ReleaseReference) -> list[Item]:
    """Return an attempt's items of one kind by stage, including those stored with its version."""
    every = [*table.query(_of_version(release), f"{kind}#"), *table.query(*in_stage_key(kind, release, ""))]
    return sorted((each for each in every if each["attempt"] == release.attempt), key=lambda each: str(each["SK"]))


def is_of_version(item: Mapping[str, Any]) -> bool:
    """Whether an attempt's item in a stage was stored with its version."""
    return str(item["PK"]).startswith("RELEASE#")


def _of_version(release: ReleaseReference) -> str:
    return f"RELEASE#{release.application}#{release.version}"


def head_key(application: str, version: str) -> tuple[str, str]:
    """Return the key of a version's head."""
    return f"APPLICATION#{application}", f"RELEASE#{version}"


def pointers(attempt: Attempt) -> list[Item]:
    """Return the index items that find an attempt by its application and by its file's name."""
    partitions = (f"APPLICATION#{attempt.application}", f"FILE#{attempt.application}#{file_key(attempt.upload.file)}")
    return [_pointer(partition, attempt) for partition in partitions]


def version_pointer(attempt: Attempt, version: str) -> Item:
    """Return the index item that finds an attempt by its version."""
    return _pointer(f"RELEASE#{attempt.application}#{version}", attempt)


def _pointer(partition: str, attempt: Attempt) -> Item:
    return {"PK": partition, "SK": f"CLAIMED#{attempt.claimed_at}#{attempt.id}", "attempt": attempt.id}


def attempt_item(attempt: Attempt) -> Item:
    """Return an attempt's item; unknown values are left out, so that conditions can test for them."""
    pk, sk = attempt_key(attempt.application, attempt.id)
    known = {
        "upload": asdict(attempt.upload),
        "execution": attempt.execution,
        "claimed_at": attempt.claimed_at,
        "state": attempt.state.value,
        "waves": [list(wave) for wave in attempt.waves] or None,
        **{in_stage(each.stage): standing_item(each) for each in attempt.stages},
        **{superseded_in(each.stage): each.version for each in attempt.superseded},
        "version": attempt.version,
        "digest": attempt.digest,
        "outcome": attempt.outcome and attempt.outcome.value,
        "reason": attempt.reason and to_dict(attempt.reason),
        "ended_at": attempt.ended_at,
        "announced": attempt.announced or None,
    }
    return {"PK": pk, "SK": sk, **{name: value for name, value in known.items() if value is not None}}


def attempt_from(item: Mapping[str, Any]) -> Attempt:
    """Read an attempt's item.

    Before waves had several stages, the attempt itself had the state of its one stage.
    """
    state, stages = State(item["state"]), sorted(_in_stages(item), key=lambda each: each.entered_at)
    if is_of_one_stage(item):
        known = (item.get("about", ""), outcome_in(item, "stage_outcome"), outcome_in(item, "outcome"))
        state, stages = in_one_stage(item["stage"], item["claimed_at"], state, *known)
    return Attempt(
        upload=read(Upload, item["upload"], "an upload"),
        execution=item["execution"],
        claimed_at=item["claimed_at"],
        state=state,
        stages=tuple(stages),
        waves=tuple(tuple(wave) for wave in item.get("waves", ())),
        version=item.get("version"),
        digest=item.get("digest"),
        outcome=outcome_in(item, "outcome"),
        reason=reason_in(item),
        ended_at=item.get("ended_at"),
        announced=item.get("announced", False),
        superseded=tuple(
            Superseded(name.removeprefix(_SUPERSEDED), version)
            for name, version in item.items()
            if name.startswith(_SUPERSEDED)
        ),
    )


def is_of_one_stage(item: Mapping[str, Any]) -> bool:
    """Whether an attempt's item has the state of its one stage as its own."""
    return item.get("stage") is not None


def in_one_stage(  # noqa: PLR0917 - all are parts of one state
    stage: str, at: str, state: State, about: str, stage_outcome: Outcome | None, outcome: Outcome | None
) -> tuple[State, list[InStage]]:
    """Return the state of an attempt, and that in its one stage, when both were stored as one."""
    inside = state.in_stage or state is State.STAGE_ENDED
    stands = (state, at, about, stage_outcome) if inside else (State.STAGE_ENDED, at, "", stage_outcome or outcome)
    return State.ENDED if outcome else State.DEPLOYING, [InStage(stage, *stands)]


def in_stage(stage: str) -> str:
    """Return the name of the attribute with an attempt's status in a stage.

    Each stage has its own, so that the executions of a wave write independently.
    """
    return f"{_STAGE}{stage}"


def superseded_in(stage: str) -> str:
    """Return the name of the attribute with the version that has taken an attempt's turn in a stage."""
    return f"{_SUPERSEDED}{stage}"


def standing_item(standing: InStage) -> Item:
    """Return an attempt's status in a stage as stored."""
    return {
        "state": standing.state.value,
        "about": standing.about,
        "entered_at": standing.entered_at,
        "outcome": standing.outcome and standing.outcome.value,
        "reason": standing.reason and to_dict(standing.reason),
    }


def _in_stages(item: Mapping[str, Any]) -> Iterator[InStage]:
    for name, each in item.items():
        if name.startswith(_STAGE):
            yield InStage(
                stage=name.removeprefix(_STAGE),
                state=State(each["state"]),
                entered_at=each["entered_at"],
                about=each["about"],
                outcome=outcome_in(each, "outcome"),
                reason=reason_in(each),
            )


def reason_in(item: Mapping[str, Any]) -> Reason | None:
    """Read the reason for the outcome, if known; Belay 0.1 stored text."""
    return from_document(item["reason"]) if item.get("reason") else None


def outcome_in(item: Mapping[str, Any], name: str) -> Outcome | None:
    """Read the outcome, if there is one."""
    return Outcome(item[name]) if item.get(name) else None


def head_from(item: Mapping[str, Any]) -> VersionHead:
    """Read a version's head. Belay 0.1 stored the newest attempt in it, which was under way until it had an outcome."""
    return VersionHead(
        item["application"],
        item["version"],
        item["attempt"],
        item.get("under_way", "outcome" not in item),
        item.get("deployed_digest"),
    )
