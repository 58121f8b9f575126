"""Every upload, from its event to its outcome, and the version it tries to deploy."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Final

from belay.aws.clock import kept_until
from belay.aws.dynamodb import Item, Table
from belay.documents import read
from belay.errors import IllegalTransition, MissingDocument, ReleaseSuperseded
from belay.ledger.attempt_items import (
    attempt_from,
    attempt_item,
    attempt_key,
    head_from,
    head_key,
    in_stage,
    is_of_one_stage,
    pointers,
    standing_item,
    superseded_in,
    version_pointer,
)
from belay.ledger.incidents import IncidentRecords
from belay.ledger.records import is_current, opened, read_each
from belay.ledger.stages import StageRecords
from belay.ledger.v0_1 import AttemptsOf01
from belay.notify.told import in_words
from belay.release.attempt import Attempt, InStage, OpenAttempt, Superseded, Transition, VersionHead, file_key
from belay.release.life import ENTERING, Occurrence, State, before
from belay.release.origin import Origin
from belay.release.reason import Reason, to_dict
from belay.release.records import Outcome, ReleaseReference, Upload
from belay.release.waves import Waves
from belay.subject.incident import Incident

_MOST: Final = 100
"""Attempts read in one request: BatchGetItem's limit."""


class AttemptRecords:
    """Items ``ATTEMPT#``, a version's head ``RELEASE#``, an attempt's ``TRANSITION#``, and the uploads in ``OPEN``.

    ``CLAIMED#`` items index the attempts by application, by version and by file name, in the order they were claimed.
    An upload that did not become a release is kept for ``HistoryDays``, as transitions are.
    """

    def __init__(self, table: Table, stages: StageRecords, incidents: IncidentRecords) -> None:
        self._table = table
        self._stages = stages
        self._incidents = incidents
        self._of_0_1 = AttemptsOf01(table)

    # -- one attempt -----------------------------------------------------------------------------------------------

    def claim(self, upload: Upload, execution: str, now: str) -> bool:
        """Claim an upload for an execution. False if another execution claimed it first."""
        attempt = Attempt(upload, execution, now)
        expires = {"expires": kept_until(now)}
        if self.get(upload) is None and self._table.transact(
            self._table.new(attempt_item(attempt) | expires, once=True),
            *(self._table.new(each | expires) for each in pointers(attempt)),
            opened(self._table, f"UPLOAD#{attempt.id}", asdict(upload), execution, now),
        ):
            return True
        standing = self.get(upload)
        return standing is not None and standing.execution == execution

    def get(self, about: Upload | ReleaseReference) -> Attempt | None:
        """Return the attempt of an upload or of an accepted release."""
        return self.of_id(about.application, about.attempt) or self._of_0_1.attempt(about)

    def required(self, release: ReleaseReference) -> Attempt:
        """Return the attempt of an accepted release. Raises ``MissingDocument`` if there is none."""
        attempt = self.get(release)
        if attempt is None:
            raise MissingDocument(f"the ledger has no attempt {release.attempt} of {release.application}")
        return attempt

    def of_id(self, application: str, attempt: str) -> Attempt | None:
        """Return an attempt by its twelve-digit name."""
        item = self._table.get(*attempt_key(application, attempt))
        return None if item is None or not is_current(item) else attempt_from(item)

    def of_ids(self, ids: Sequence[tuple[str, str]]) -> dict[str, Attempt]:
        """Return many attempts by their twelve digits, given with their applications; not those of Belay 0.1."""
        items = self._table.get_many([attempt_key(*each) for each in dict.fromkeys(ids)])
        return {each.id: each for each in map(attempt_from, filter(is_current, items))}

    def adopt(self, upload: Upload) -> None:
        """Convert an attempt stored by Belay 0.1, so that functions with narrow write permissions can update it."""
        if self.of_id(upload.application, upload.attempt) is None:
            self._of_0_1.adopt(upload)

    def note_version(self, upload: Upload, version: str) -> None:
        """Record which version an upload contains."""
        attempt = self.get(upload)
        if attempt is None:
            return
        pointer = {**version_pointer(attempt, version), "expires": kept_until(attempt.claimed_at)}
        self._write(
            upload,
            self._table.change(
                *attempt_key(upload.application, upload.attempt),
                "SET version = :version",
                "attribute_exists(PK)",
                {":version": version},
            ),
            self._table.new(pointer),
        )

    def accept(self, release: ReleaseReference, upload: Upload, waves: Waves, now: str) -> VersionHead | None:
        """Claim a version for an upload. None if that succeeds, otherwise what prevents it.

        ``waves`` are the stages that the release will go through. A version is free if no attempt at it is under way
        and no other content was deployed under it.
        Raises ``ReleaseSuperseded`` if the upload has its outcome: a function can outlive the execution that called it.
        """
        attempt = self.get(upload)
        if attempt is not None and attempt.release == release and attempt.outcome is None:
            return None
        self._of_0_1.adopt_head(release.application, release.version)
        if attempt is not None and self._write(upload, *self._acceptance(attempt, release, waves, now)):
            return None
        attempt = self.get(upload)
        head = self.head(release.application, release.version)
        if attempt is None or attempt.outcome is not None or head is None:
            raise ReleaseSuperseded(f"the upload {upload.key} has already ended: its execution was stopped")
        return head

    def _acceptance(self, attempt: Attempt, release: ReleaseReference, waves: Waves, now: str) -> list[Item]:
        accepted = Transition(now, State.ACCEPTED)
        leading = [*pointers(attempt), version_pointer(attempt, release.version)]
        return [
            self._table.change(
                *attempt_key(release.application, release.attempt),
                "SET #state = :state, version = :version, digest = :digest, waves = :waves REMOVE expires",
                "#state = :claimed",
                {
                    ":state": State.ACCEPTED.value,
                    ":claimed": State.CLAIMED.value,
                    ":version": release.version,
                    ":digest": release.digest,
                    ":waves": [list(wave) for wave in waves],
                },
                names={"#state": "state"},
            ),
            self._table.change(
                *head_key(release.application, release.version),
                "SET application = :application, version = :version, attempt = :attempt, under_way = :yes",
                "attribute_not_exists(PK) OR (under_way = :no AND "
                "(attribute_not_exists(deployed_digest) OR deployed_digest = :digest))",
                {
                    ":application": release.application,
                    ":version": release.version,
                    ":attempt": release.attempt,
                    ":digest": release.digest,
                    ":yes": True,
                    ":no": False,
                },
            ),
            *(self._table.new(each) for each in leading),
            self._table.new(_line(release, accepted)),
        ]

    def record(
        self,
        release: ReleaseReference,
        state: State,
        now: str,
        *,
        stage: str | None = None,
        about: str = "",
        detail: str = "",
    ) -> None:
        """Record that an attempt entered a state, with its details; no-op for dry runs. Raises
        ``IllegalTransition``.
        """
        if release.is_plan:
            return
        line = Transition(now, state, stage, about, None, detail)
        if not self._move(release, line):
            found = self.get(release)
            place = f" in {stage}" if stage else ""
            at = "is not known" if found is None else f"is at {found.standing} in {found.stage or 'no stage'}"
            raise IllegalTransition(
                f"{release.application} {release.version}, attempt {release.attempt}, {at}, which does not allow "
                f"{line.words}{place}; nothing was recorded"
            )

    def note(
        self,
        release: ReleaseReference | Origin,
        what: Occurrence,
        now: str,
        *,
        stage: str,
        detail: str = "",
        incident: str | None = None,
    ) -> None:
        """Record an occurrence that does not change an attempt's state."""
        self._table.put(_line(release, Transition(now, what, stage, "", None, detail, incident)))

    def supersede(self, release: ReleaseReference, superseded: Superseded) -> bool:
        """Record that a newer release has taken an attempt's turn in a stage. False if it is not waiting there."""
        waiting = [each for each in State if each.waits]
        return self._write(
            release,
            self._table.change(
                *attempt_key(release.application, release.attempt),
                "SET #superseded = :version",
                f"attribute_not_exists(outcome) AND #here.#state IN ({_listed(waiting)})",
                _values(waiting) | {":version": superseded.version},
                names={
                    "#superseded": superseded_in(superseded.stage),
                    "#here": in_stage(superseded.stage),
                    "#state": "state",
                },
            ),
        )

    def end_stage(
        self,
        release: ReleaseReference,
        stage: str,
        outcome: Outcome,
        reason: Reason | None = None,
        *,
        good: bool,
        fencing: int | None,
        now: str,
        recovered: bool = False,
    ) -> bool:
        """Record how a stage ended and release its lock in one write, so that a rerun finds all or nothing.

        ``good`` makes the release what the stage runs and binds its version to its content. Only its incident ends a
        stage that is being recovered: ``recovered``. False if the lock or the stage is no longer this attempt's, or the
        write was already done.
        """
        line = Transition(now, State.STAGE_ENDED, stage, "", outcome)
        changes = []
        if good:
            changes.append(
                self._table.change(
                    *head_key(release.application, release.version),
                    "SET deployed_digest = :digest",
                    "attempt = :attempt",
                    {":digest": release.digest, ":attempt": release.attempt},
                )
            )
            changes += self._stages.brought_to(release, stage, now)
        if fencing is not None:
            changes.append(
                self._table.change(
                    "LOCK",
                    f"{release.application}#{stage}",
                    "SET held = :free",
                    "fencing = :fencing AND held = :held",
                    {":free": False, ":fencing": fencing, ":held": True},
                )
            )
        return self._move(release, line, *changes, reason=reason, recovered=recovered)

    def recover(self, release: ReleaseReference, stage: str, incident: Incident, now: str) -> bool:
        """Open the incident of a stage and record that it is being recovered, in one write. False if the stage has
        ended or is being recovered.

        So a stage being recovered does not end otherwise, and one that has ended is not recovered.
        """
        line = Transition(now, State.RECOVERING, stage, "", None, in_words(incident.reason))
        return self._move(release, line, *self._incidents.opening(incident, now))

    def close(self, attempt: Attempt, outcome: Outcome, reason: Reason | None, now: str) -> bool:
        """Record an attempt's one outcome. False if one was recorded and announced, or another was recorded."""
        about, kept = attempt.release or attempt.upload, reason and to_dict(reason)
        changes = [
            self._table.change(
                *attempt_key(attempt.application, attempt.id),
                "SET #state = :state, outcome = :outcome, reason = :reason, ended_at = :now",
                "attribute_exists(PK) AND attribute_not_exists(outcome) AND "
                + ("attribute_not_exists(digest)" if attempt.digest is None else "digest = :digest"),
                {":state": State.ENDED.value, ":outcome": outcome.value, ":reason": kept, ":now": now}
                | ({} if attempt.digest is None else {":digest": attempt.digest}),
                names={"#state": "state"},
            ),
            self._table.new(_line(about, Transition(now, State.ENDED, None, "", outcome, in_words(reason)))),
        ]
        if attempt.release is not None:
            changes.append(
                self._table.change(
                    *head_key(attempt.application, attempt.release.version),
                    "SET under_way = :no",
                    "attempt = :attempt",
                    {":no": False, ":attempt": attempt.id},
                )
            )
        if self._write(about, *changes):
            return True
        standing = self.get(about)
        return standing is not None and standing.outcome is outcome and not standing.announced

    def announced(self, attempt: Attempt) -> None:
        """Record that the outcome of an attempt was announced; only then is the attempt finished."""
        self._table.update(
            *attempt_key(attempt.application, attempt.id),
            "SET announced = :yes",
            "attribute_exists(PK)",
            {":yes": True},
        )
        self._table.delete("OPEN", f"UPLOAD#{attempt.id}")

    def continue_in(self, release: ReleaseReference, execution: str, successor: str) -> bool:
        """Record that another execution finishes an attempt. False if it has ended or has a different execution."""
        same = "(execution = :execution OR execution = :successor)"
        values = {":execution": execution, ":successor": successor}
        return self._write(
            release,
            self._table.change(
                *attempt_key(release.application, release.attempt),
                "SET execution = :successor",
                f"attribute_not_exists(outcome) AND {same}",
                values,
            ),
            self._table.change("OPEN", f"UPLOAD#{release.attempt}", "SET execution = :successor", same, values),
        )

    def history(self, attempt: Attempt) -> list[Transition]:
        """Return an attempt's history, oldest first, as far as it is kept."""
        items = self._table.query(f"ATTEMPT#{attempt.application}#{attempt.id}", "TRANSITION#")
        return [*self._of_0_1.history(attempt), *(_transition(each) for each in items if is_current(each))]

    # -- several ---------------------------------------------------------------------------------------------------

    def open_ones(self, faults: list[Exception] | None = None) -> list[OpenAttempt]:
        """Return the attempts that have not ended or been announced; ``faults`` as for ``read_each``."""
        return read_each(self._table.query("OPEN", "UPLOAD#"), _open, faults)

    def newest(self, application: str, count: int) -> list[Attempt]:
        """Return the newest attempts of an application, the newest first."""
        found = self._led_to_from(application, f"APPLICATION#{application}", count)
        if len(found) < count:
            found += self._of_0_1.attempts(application)
        return sorted(found, key=lambda each: each.claimed_at, reverse=True)[:count]

    def of_version(self, application: str, version: str) -> list[Attempt]:
        """Return the newest 100 attempts at a version, including those that became no release, oldest first."""
        found = self._led_to_from(application, f"RELEASE#{application}#{version}", _MOST)
        return self._with_old_ones(application, found, lambda each: each.version == version)

    def of_file(self, application: str, name: str) -> list[Attempt]:
        """Return the newest 100 attempts that were uploaded under a file's name, oldest first."""
        found = self._led_to_from(application, f"FILE#{application}#{file_key(name)}", _MOST)
        return self._with_old_ones(application, found, lambda each: each.upload.file == name)

    def head(self, application: str, version: str) -> VersionHead | None:
        """Return a version's head; None if it was never accepted."""
        item = self._table.get(*head_key(application, version))
        return None if item is None else head_from(item)

    def current(self, application: str, version: str) -> Attempt | None:
        """Return the newest attempt that was accepted as a version."""
        item = self._table.get(*head_key(application, version))
        if item is None:
            return None
        return self.of_id(application, item["attempt"]) or self._of_0_1.of_head(item)

    # -- writing and reading ---------------------------------------------------------------------------------------

    def _led_to_from(self, application: str, partition: str, count: int) -> list[Attempt]:
        """Return the newest attempts that a partition indexes.

        An index item expires with its attempt. At least 100 are read, so that expired items that are not deleted yet do
        not hide older ones.
        """
        leading = filter(is_current, self._table.query(partition, "CLAIMED#", newest=max(count, _MOST)))
        keys = [attempt_key(application, each["attempt"]) for each in islice(leading, count)]
        return [attempt_from(each) for each in self._table.get_many(keys) if is_current(each)]

    def _with_old_ones(
        self, application: str, found: list[Attempt], wanted: Callable[[Attempt], bool]
    ) -> list[Attempt]:
        """Return the wanted attempts, both those found and those stored by Belay 0.1, oldest first."""
        every = [*found, *self._of_0_1.attempts(application)]
        return sorted(filter(wanted, every), key=lambda each: each.claimed_at)

    def _write(self, about: Upload | ReleaseReference, *changes: Item) -> bool:
        """Write all or nothing; an attempt stored by an earlier Belay is converted first."""
        if self._table.transact(*changes):
            return True
        return (self._of_0_1.adopt(about) or self._adopt(about)) and self._table.transact(*changes)

    def _adopt(self, about: Upload | ReleaseReference) -> bool:
        """Convert an attempt that has the state of its one stage as its own. False if there is nothing to convert."""
        key = attempt_key(about.application, about.attempt)
        item = self._table.get(*key)
        if item is None or not is_of_one_stage(item):
            return False
        attempt = attempt_from(item)
        (standing,) = attempt.stages
        return self._table.update(
            *key,
            "SET #state = :state, #here = :here REMOVE #stage, about, stage_outcome",
            "#state = :before AND #stage = :stage",
            {
                ":state": attempt.state.value,
                ":here": standing_item(standing),
                ":before": item["state"],
                ":stage": standing.stage,
            },
            names={"#state": "state", "#stage": "stage", "#here": in_stage(standing.stage)},
        )

    def _move(
        self,
        release: ReleaseReference,
        line: Transition,
        *others: Item,
        reason: Reason | None = None,
        recovered: bool = False,
    ) -> bool:
        """Move an attempt to a state, together with other writes, if that is legal (``release.life``)."""
        state, others = State(line.what), (*others, self._table.new(_line(release, line)))
        if line.stage is None:
            return self._write(release, self._moved(release, state), *others)
        standing = InStage(line.stage, state, line.at, line.about, line.outcome, reason)
        earlier = {each for each in before(state) if (each is State.RECOVERING) is recovered or not line.outcome}
        if earlier and self._write(release, self._moved_within(release, standing, earlier), *others):
            return True
        attempt = self.get(release)
        if state not in ENTERING or attempt is None or not attempt.may_enter(line.stage):
            return False
        # A state that may be entered now may be entered later, unless the attempt has ended: that is the condition.
        return self._write(release, self._entered(release, standing), *others)

    def _moved(self, release: ReleaseReference, state: State) -> Item:
        """The part of a transaction that moves an attempt that has entered no stage."""
        earlier = before(state)
        return self._table.change(
            *attempt_key(release.application, release.attempt),
            "SET #state = :state",
            f"#state IN ({_listed(earlier)})",
            {":state": state.value} | _values(earlier),
            names={"#state": "state"},
        )

    def _moved_within(self, release: ReleaseReference, standing: InStage, earlier: Iterable[State]) -> Item:
        """The part of a transaction that moves an attempt in a stage that it has entered."""
        moved = standing_item(standing)
        return self._table.change(
            *attempt_key(release.application, release.attempt),
            "SET #here.#state = :state, #here.about = :about, #here.outcome = :outcome, #here.reason = :reason",
            f"attribute_not_exists(outcome) AND #here.#state IN ({_listed(earlier)})",
            {f":{name}": moved[name] for name in ("state", "about", "outcome", "reason")} | _values(earlier),
            names={"#state": "state", "#here": in_stage(standing.stage)},
        )

    def _entered(self, release: ReleaseReference, standing: InStage) -> Item:
        """The part of a transaction that has an attempt enter a stage."""
        return self._table.change(
            *attempt_key(release.application, release.attempt),
            "SET #state = :deploying, #here = :here",
            "attribute_not_exists(#here) AND #state IN (:deploying, :checked)",
            {":here": standing_item(standing), ":deploying": State.DEPLOYING.value, ":checked": State.CHECKED.value},
            names={"#state": "state", "#here": in_stage(standing.stage)},
        )


def _open(item: Item) -> OpenAttempt:
    return OpenAttempt(read(Upload, item["document"], "an upload"), str(item["execution"]), item.get("at"))


def _listed(states: Iterable[State]) -> str:
    return ", ".join(sorted(f":{each.name}" for each in states))


def _values(states: Iterable[State]) -> Item:
    return {f":{each.name}": each.value for each in states}


def _line(about: Upload | ReleaseReference | Origin, line: Transition) -> Item:
    return {
        "PK": f"ATTEMPT#{about.application}#{about.attempt}",
        "SK": f"TRANSITION#{line.at}#{line.stage or ''}#{line.words}",
        "at": line.at,
        "state": line.what.value,
        "stage": line.stage or "",
        "about": line.about,
        "outcome": line.outcome and line.outcome.value,
        "detail": line.detail,
        "incident": line.incident,
        "expires": kept_until(line.at),
    }


def _transition(item: Item) -> Transition:
    """Read one; earlier lines of requested rollbacks have the incident's name in the place of a state's details."""
    what, outcome, about, incident = str(item["state"]), item["outcome"], item["about"], item.get("incident")
    if what == Occurrence.ROLLBACK_ASKED and incident is None:
        about, incident = "", about
    return Transition(
        item["at"],
        Occurrence(what) if what in _OCCURRENCES else State(what),
        item["stage"] or None,
        about,
        None if outcome is None else Outcome(outcome),
        item["detail"],
        incident,
    )


_OCCURRENCES = {each.value for each in Occurrence}
