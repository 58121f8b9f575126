"""What Belay 0.1 stored of uploads and releases.

It had an item ``UPLOAD#`` for each upload, now an attempt, and one ``RELEASE#`` for each version with the state of its
newest attempt: digest, state and stage of earlier attempts are lost. Both are read as they are, and converted on the
next write.
"""

from belay.aws.clock import lease
from belay.aws.dynamodb import Item
from belay.documents import read
from belay.ledger.attempt_items import (
    attempt_item,
    head_key,
    in_one_stage,
    outcome_in,
    pointers,
    reason_in,
    version_pointer,
)
from belay.ledger.records import Records, is_current
from belay.release.attempt import Attempt, InStage, Transition
from belay.release.life import Occurrence, State
from belay.release.records import Outcome, ReleaseReference, Upload


class AttemptsOf01(Records):
    """Items ``UPLOAD#`` and, with a ``state``, ``RELEASE#`` of an application; a release's ``TRANSITION#``."""

    def attempt(self, about: Upload | ReleaseReference) -> Attempt | None:
        """Return an attempt; None if Belay 0.1 stored none."""
        if isinstance(about, Upload):
            upload = self._table.get(f"APPLICATION#{about.application}", f"UPLOAD#{about.identity}")
            if upload is None or not is_current(upload):
                return None
            head = self._table.get(*head_key(about.application, upload["version"])) if "version" in upload else None
            return _attempt(upload, head or {})
        head = self._table.get(*head_key(about.application, about.version))
        found = None if head is None else self.of_head(head)
        return found if found is not None and found.id == about.attempt else None

    def of_head(self, head: Item) -> Attempt | None:
        """Return the attempt in a version's item, if Belay 0.1 wrote it."""
        return self.attempt(read(Upload, head["upload"], "an upload")) if "state" in head else None

    def attempts(self, application: str) -> list[Attempt]:
        """Return every attempt of an application that was not converted yet."""
        uploads = [each for each in self._table.query(f"APPLICATION#{application}", "UPLOAD#") if is_current(each)]
        versions = {each["version"] for each in uploads if "version" in each}
        heads = self._table.get_many([head_key(application, version) for version in sorted(versions)])
        by_version = {head["version"]: head for head in heads}
        return [_attempt(each, by_version.get(each.get("version"), {})) for each in uploads]

    def history(self, attempt: Attempt) -> list[Transition]:
        """Return an attempt's history under Belay 0.1, oldest first."""
        if attempt.version is None:
            return []
        items = self._table.query(f"RELEASE#{attempt.application}#{attempt.version}", "TRANSITION#")
        return [_transition(each) for each in items if each["attempt"] == attempt.id]

    def adopt(self, about: Upload | ReleaseReference) -> bool:
        """Convert an attempt. False if there is nothing to convert."""
        attempt = self.attempt(about)
        if attempt is None:
            return False
        leading = pointers(attempt)
        changes = []
        if attempt.version is not None:
            leading.append(version_pointer(attempt, attempt.version))
        if attempt.digest is not None and attempt.version is not None:
            under_way = attempt.outcome is None
            changes = [
                self._table.change(
                    *head_key(attempt.application, attempt.version),
                    "SET under_way = :under_way REMOVE digest, #state, #stage, #upload, execution, claimed_at, "
                    "outcome, reason, ended_at, announced",
                    "attempt = :attempt AND attribute_exists(#state)",
                    {":under_way": under_way, ":attempt": attempt.id},
                    names={"#state": "state", "#stage": "stage", "#upload": "upload"},
                ),
                *(
                    []
                    if attempt.announced
                    else [self._gone("OPEN", f"RELEASE#{attempt.application}#{attempt.version}")]
                ),
            ]
        return self._table.transact(
            self._table.new(attempt_item(attempt), once=True),
            *(self._table.new(each) for each in leading),
            self._gone(f"APPLICATION#{attempt.application}", f"UPLOAD#{attempt.upload.identity}"),
            *changes,
        )

    def _gone(self, pk: str, sk: str) -> Item:
        """The part of a transaction that expires an item; DynamoDB deletes it."""
        return self._table.change(pk, sk, "SET expires = :now", "attribute_not_exists(expires)", {":now": lease(0)})

    def adopt_head(self, application: str, version: str) -> None:
        """Convert the attempt in a version's item, before another replaces it."""
        head = self._table.get(*head_key(application, version))
        if head is not None and "state" in head:
            self.adopt(read(Upload, head["upload"], "an upload"))


def _attempt(item: Item, head: Item) -> Attempt:
    """Read an upload's item, with its version's item if that is about this upload."""
    upload = read(Upload, item["upload"], "an upload")
    if "state" not in head or head["attempt"] != upload.attempt:
        head = {}
    outcome = outcome_in(item, "outcome") or outcome_in(head, "outcome")
    state, about, stage_outcome = _state(head["state"]) if head else (State.CLAIMED, "", None)
    stages: list[InStage] = []
    if head.get("stage"):
        state, stages = in_one_stage(head["stage"], item["claimed_at"], state, about, stage_outcome, outcome)
    return Attempt(
        upload=upload,
        execution=item["execution"],
        claimed_at=item["claimed_at"],
        state=State.ENDED if outcome is not None else state,
        stages=tuple(stages),
        version=item.get("version"),
        digest=head.get("digest"),
        outcome=outcome,
        reason=reason_in(item) or reason_in(head),
        ended_at=item.get("ended_at", head.get("ended_at")),
        announced=item.get("announced", False),
    )


_STATES = {each.value: each for each in State}
_ENDS = {f"STAGE {each}": each for each in Outcome}
_OUTCOMES = {each.value: each for each in Outcome}
_OTHERS = {"LET THROUGH": State.HELD, "STAGE ROLLBACK": State.PIPELINE_ROLLING_BACK}
"""Continuing outside the windows was a state then; ``STAGE ROLLBACK`` was CodePipeline's."""


def _state(text: str) -> tuple[State, str, Outcome | None]:
    """Read a state, which was text: followed by its details, or an outcome."""
    if text in _ENDS:
        return State.STAGE_ENDED, "", _ENDS[text]
    if text in _OUTCOMES:
        return State.ENDED, "", _OUTCOMES[text]
    known = _OTHERS.get(text) or _STATES.get(text)
    if known is not None:
        return known, "", None
    word, _, about = text.partition(" ")
    return State(word), about, None


def _transition(item: Item) -> Transition:
    state, about, outcome = _state(str(item["state"]))
    what = Occurrence.LET_THROUGH if item["state"] == Occurrence.LET_THROUGH else state
    return Transition(item["at"], what, item["stage"] or None, about, outcome, item["detail"])
