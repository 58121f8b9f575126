"""How attempts and versions are stored in the ledger."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from belay.aws.dynamodb import Item
from belay.release.attempt import Attempt, Superseded, VersionHead, file_key
from belay.release.life import State
from belay.release.reason import Reason, from_document, to_dict
from belay.release.records import Outcome, Upload


def attempt_key(application: str, attempt: str) -> tuple[str, str]:
    """Return the key of an attempt."""
    return f"APPLICATION#{application}", f"ATTEMPT#{attempt}"


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
        "stage": attempt.stage,
        "about": attempt.about,
        "stage_outcome": attempt.stage_outcome and attempt.stage_outcome.value,
        "version": attempt.version,
        "digest": attempt.digest,
        "outcome": attempt.outcome and attempt.outcome.value,
        "reason": attempt.reason and to_dict(attempt.reason),
        "ended_at": attempt.ended_at,
        "announced": attempt.announced or None,
        "superseded": attempt.superseded and asdict(attempt.superseded),
    }
    return {"PK": pk, "SK": sk, **{name: value for name, value in known.items() if value is not None}}


def attempt_from(item: Mapping[str, Any]) -> Attempt:
    """Read an attempt's item."""
    return Attempt(
        upload=Upload(**item["upload"]),
        execution=item["execution"],
        claimed_at=item["claimed_at"],
        state=State(item["state"]),
        stage=item.get("stage"),
        about=item.get("about", ""),
        stage_outcome=outcome_in(item, "stage_outcome"),
        version=item.get("version"),
        digest=item.get("digest"),
        outcome=outcome_in(item, "outcome"),
        reason=reason_in(item),
        ended_at=item.get("ended_at"),
        announced=item.get("announced", False),
        superseded=Superseded(**item["superseded"]) if item.get("superseded") else None,
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
