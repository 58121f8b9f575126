"""The ledger in DynamoDB: every claim and lock is one conditional write."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from belay.aws.faults import cancellation_codes, code_of, translated
from belay.errors import LockLost, ReleaseSuperseded
from belay.pipeline.execution import PipelineExecution
from belay.release.ledger import Outcome, ReleaseReference, Thread, Upload

Item = dict[str, Any]
_SERIALIZER = TypeSerializer()
_DESERIALIZER = TypeDeserializer()


class Ledger:
    """One DynamoDB table; ``release.ledger`` describes its items. Times are ISO 8601 in UTC, leases epoch seconds."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    # -- uploads -------------------------------------------------------------------------------------------------

    def claim_upload(self, upload: Upload, execution: str, now: str) -> bool:
        """Claim an upload for an execution. False where another execution claimed it before."""
        return self._transact(
            self._change(
                f"APPLICATION#{upload.application}",
                f"UPLOAD#{upload.identity}",
                "SET #upload = :upload, execution = :execution, claimed_at = if_not_exists(claimed_at, :now)",
                "attribute_not_exists(execution) OR execution = :execution",
                {":upload": asdict(upload), ":execution": execution, ":now": now},
                names={"#upload": "upload"},
            ),
            self._open(f"UPLOAD#{upload.attempt}", asdict(upload), execution),
        )

    def upload(self, upload: Upload) -> Item | None:
        """Return an upload's record."""
        return self._get(f"APPLICATION#{upload.application}", f"UPLOAD#{upload.identity}")

    def note_version(self, upload: Upload, version: str) -> None:
        """Note which version an upload turned out to carry."""
        self._update(
            f"APPLICATION#{upload.application}",
            f"UPLOAD#{upload.identity}",
            "SET version = :version",
            None,
            {":version": version},
        )

    def uploads_of(self, application: str, version: str) -> list[Upload]:
        """Return the uploads of an application that turned out to carry a version."""
        items = self._query(f"APPLICATION#{application}", "UPLOAD#")
        return [Upload(**item["upload"]) for item in items if item.get("version") == version]

    def version_of(self, upload: Upload) -> str | None:
        """Return the version an upload carries, where it could be read."""
        item = self.upload(upload)
        return None if item is None else item.get("version")

    def close_upload(self, upload: Upload, outcome: Outcome, reason: str, now: str) -> bool:
        """Record how an upload ended. False where its outcome was recorded and announced before."""
        return self._close(f"APPLICATION#{upload.application}", f"UPLOAD#{upload.identity}", outcome, reason, now)

    def announced_upload(self, upload: Upload) -> None:
        """Record that the outcome of an upload was told; only then is there nothing left to see to."""
        self._announced(f"APPLICATION#{upload.application}", f"UPLOAD#{upload.identity}")
        self._delete("OPEN", f"UPLOAD#{upload.attempt}")

    def hold(self, upload: Upload, event: Mapping[str, Any], now: str) -> None:
        """Keep an upload's event until the pause ends."""
        self._put({"PK": "HELD", "SK": f"{now}#{upload.identity}", "event": dict(event), "upload": asdict(upload)})

    def held(self) -> list[Item]:
        """Return the held uploads, oldest first."""
        return self._query("HELD")

    def unhold(self, item: Item) -> None:
        """Forget a held upload that was started again."""
        self._delete("HELD", str(item["SK"]))

    # -- releases ------------------------------------------------------------------------------------------------

    def claim_release(self, release: ReleaseReference, upload: Upload, execution: str, now: str) -> Item | None:
        """Claim a version for one attempt. None where that worked, otherwise the record that stands against it.

        A version is free when it was never claimed, or when it ended without ever being deployed with other content.
        Raises ``ReleaseSuperseded`` where the upload has its outcome: a function outlives the execution that called it.
        """
        claimed = self._transact(
            self._change(
                f"APPLICATION#{release.application}",
                f"RELEASE#{release.version}",
                "SET application = :application, version = :version, digest = :digest, attempt = :attempt, "
                "execution = :execution, #upload = :upload, claimed_at = :now, #state = :state "
                "REMOVE #stage, outcome, reason, ended_at, announced",
                "attribute_not_exists(PK) OR attempt = :attempt OR (attribute_exists(outcome) AND "
                "(attribute_not_exists(deployed_digest) OR deployed_digest = :digest))",
                {
                    ":application": release.application,
                    ":version": release.version,
                    ":digest": release.digest,
                    ":attempt": release.attempt,
                    ":execution": execution,
                    ":upload": asdict(upload),
                    ":now": now,
                    ":state": "ACCEPTED",
                },
                names={"#upload": "upload", "#state": "state", "#stage": "stage"},
            ),
            self._change(
                f"APPLICATION#{upload.application}",
                f"UPLOAD#{upload.identity}",
                "SET version = :version",
                "attribute_not_exists(outcome)",
                {":version": release.version},
            ),
            self._open(f"RELEASE#{release.application}#{release.version}", release.to_dict(), execution),
        )
        if claimed:
            return None
        standing = self.release(release.application, release.version)
        if standing is None:
            raise ReleaseSuperseded(f"the upload {upload.key} has ended already: its execution was stopped")
        return standing

    def of_application(self, application: str) -> list[Item]:
        """Return every record of an application: releases, uploads, stages, incidents, findings."""
        return self._query(f"APPLICATION#{application}")

    def of_release(self, application: str, version: str) -> list[Item]:
        """Return everything recorded about a release beside its own record: transitions, baselines, approvals."""
        return self._query(f"RELEASE#{application}#{version}")

    def release(self, application: str, version: str) -> Item | None:
        """Return a release's record."""
        return self._get(f"APPLICATION#{application}", f"RELEASE#{version}")

    def record(self, release: ReleaseReference, stage: str | None, state: str, now: str, detail: str = "") -> None:
        """Record one transition of a release."""
        self._put(_transition(release, stage, state, now=now, detail=detail))
        self._update(
            f"APPLICATION#{release.application}",
            f"RELEASE#{release.version}",
            "SET #state = :state, #stage = :stage",
            "attempt = :attempt",
            {":state": state, ":stage": stage or "", ":attempt": release.attempt},
            names={"#state": "state", "#stage": "stage"},
        )

    def transitions(self, application: str, version: str) -> list[Item]:
        """Return a release's transitions, oldest first."""
        return self._query(f"RELEASE#{application}#{version}", "TRANSITION#")

    def end_stage(
        self, release: ReleaseReference, stage: str, state: str, *, good: bool, fencing: int | None, now: str
    ) -> bool:
        """Record how a stage ended and give its lock back, all in one write, so that a rerun finds all or nothing.

        ``good`` makes the release the stage's last-known-good and binds its version to its content. False where the
        lock or the release is no longer this attempt's, or the write was done before.
        """
        changes = [
            self._change(
                f"APPLICATION#{release.application}",
                f"RELEASE#{release.version}",
                "SET #state = :state, #stage = :stage" + (", deployed_digest = :digest" if good else ""),
                "attempt = :attempt AND NOT (#state = :state AND #stage = :stage)",
                {":state": state, ":stage": stage, ":attempt": release.attempt}
                | ({":digest": release.digest} if good else {}),
                names={"#state": "state", "#stage": "stage"},
            ),
            self._new(_transition(release, stage, state, now=now, detail="")),
        ]
        if good:
            changes += [self._new(item) for item in _deployed(release, stage, now)]
        if fencing is not None:
            changes.append(
                self._change(
                    "LOCK",
                    f"{release.application}#{stage}",
                    "SET held = :free",
                    "fencing = :fencing AND held = :held",
                    {":free": False, ":fencing": fencing, ":held": True},
                )
            )
        return self._transact(*changes)

    def close_release(self, release: ReleaseReference, outcome: Outcome, reason: str, now: str) -> bool:
        """Record a release's one outcome. False where it was recorded and announced before."""
        first = self._close(
            f"APPLICATION#{release.application}",
            f"RELEASE#{release.version}",
            outcome,
            reason,
            now,
            attempt=release.attempt,
        )
        if first:
            self.record(release, None, outcome, now, reason)
        return first

    def announced_release(self, release: ReleaseReference) -> None:
        """Record that the outcome of a release was told; only then is there nothing left to see to."""
        self._announced(f"APPLICATION#{release.application}", f"RELEASE#{release.version}", attempt=release.attempt)
        self._delete("OPEN", f"RELEASE#{release.application}#{release.version}", attempt=release.attempt)

    def open_items(self) -> list[Item]:
        """Return the uploads, releases and incidents that have not ended, or whose end was not told."""
        return self._query("OPEN")

    # -- what people decide --------------------------------------------------------------------------------------

    def ask_approval(
        self, release: ReleaseReference, stage: str, approval: Mapping[str, Any], *, task_token: str, now: str
    ) -> None:
        """Record that a stage waits for a person; the task token their answer needs is in no message and no log.

        ``approval`` holds what the answer is judged by: ``expires_at``, ``four_eyes``, ``seal``. What was asked of an
        earlier attempt is forgotten.
        """
        asked = {"attempt": release.attempt, "task_token": task_token, "requested_at": now, **approval}
        waits = {"release": release.to_dict(), "stage": stage, "asked_at": now, "expires_at": approval["expires_at"]}
        self._transact(
            self._new({"PK": f"RELEASE#{release.application}#{release.version}", "SK": f"APPROVAL#{stage}"} | asked),
            self._new({"PK": "ASKED", "SK": f"{release.application}#{release.version}#{stage}"} | waits),
        )

    def approval(self, application: str, version: str, stage: str) -> Item | None:
        """Return what a release asked of people in a stage, with their ``answer`` once there is one."""
        return self._get(f"RELEASE#{application}#{version}", f"APPROVAL#{stage}")

    def answer_approval(self, release: ReleaseReference, stage: str, answer: Mapping[str, Any]) -> bool:
        """Record a person's answer. False where somebody was first, or another attempt asks by now."""
        return self._update(
            f"RELEASE#{release.application}#{release.version}",
            f"APPROVAL#{stage}",
            "SET answer = :answer",
            "attempt = :attempt AND attribute_not_exists(answer)",
            {":answer": dict(answer), ":attempt": release.attempt},
        )

    def asked(self) -> list[Item]:
        """Return the approvals that are waited for, or whose answer may not have arrived."""
        return self._query("ASKED")

    def reminded(self, item: Item, now: str) -> None:
        """Record that people were reminded of an approval."""
        self._update("ASKED", str(item["SK"]), "SET reminded_at = :now", "attribute_exists(PK)", {":now": now})

    def ask_no_more(self, application: str, version: str, stage: str) -> None:
        """Forget that a stage waits: it was answered, or nobody did in time."""
        self._delete("ASKED", f"{application}#{version}#{stage}")

    def hold_stage(
        self, release: ReleaseReference, stage: str, *, task_token: str, reason: str, until: str, now: str
    ) -> bool:
        """Record that a release is held outside of a stage's windows. False where that was recorded before.

        The task token is the newest, whether it was recorded before or not.
        """
        item = {"attempt": release.attempt, "task_token": task_token, "reason": reason, "until": until, "at": now}
        first = self.hold_of(release.application, release.version, stage)
        self._put({"PK": f"RELEASE#{release.application}#{release.version}", "SK": f"HOLD#{stage}"} | item)
        return first is None or first["attempt"] != release.attempt

    def hold_of(self, application: str, version: str, stage: str) -> Item | None:
        """Return how a release is held outside of a stage's windows: ``reason``, ``until``, and its task token."""
        return self._get(f"RELEASE#{application}#{version}", f"HOLD#{stage}")

    def record_override(self, release: ReleaseReference, stage: str, answer: Mapping[str, Any]) -> None:
        """Record that a person lets this attempt go on outside of a stage's windows."""
        where = {"PK": f"RELEASE#{release.application}#{release.version}", "SK": f"OVERRIDE#{stage}"}
        self._put(where | {"attempt": release.attempt, **answer})

    def override(self, application: str, version: str, stage: str) -> Item | None:
        """Return who let a release go on outside of a stage's windows: ``by``, ``comment``, ``at``, ``attempt``."""
        return self._get(f"RELEASE#{application}#{version}", f"OVERRIDE#{stage}")

    def record_uploader(self, application: str, upload: str, uploader: Mapping[str, Any]) -> None:
        """Record who put an object, named by ``Upload.identity``, into the release bucket; the first that was told."""
        self._update(
            f"APPLICATION#{application}",
            f"UPLOADER#{upload}",
            "SET uploader = :uploader",
            "attribute_not_exists(PK)",
            {":uploader": dict(uploader)},
        )

    def uploader(self, upload: Upload) -> Item | None:
        """Return who uploaded a release: ``arn`` and ``principal_id``; None where nobody told."""
        item = self._get(f"APPLICATION#{upload.application}", f"UPLOADER#{upload.identity}")
        return None if item is None else dict(item["uploader"])

    # -- last-known-good -----------------------------------------------------------------------------------------

    def last_known_good(self, application: str, stage: str) -> Item | None:
        """Return the newest release that reached DEPLOYED in a stage."""
        return self._get(f"APPLICATION#{application}", f"STAGE#{stage}")

    def deployed(self, application: str, stage: str) -> list[Item]:
        """Return what a stage was brought to, by a deployment or on the way back, oldest first."""
        return self._query(f"APPLICATION#{application}", f"DEPLOYED#{stage}#")

    def went_back(self, release: ReleaseReference, stage: str, now: str) -> None:
        """Record that a stage was brought back to a release that was deployed there before: it is what is good now."""
        self._transact(*(self._new(item) for item in _deployed(release, stage, now)))

    # -- locks ---------------------------------------------------------------------------------------------------

    def lock(self, application: str, stage: str) -> Item | None:
        """Return a stage's lock as it stands."""
        return self._get("LOCK", f"{application}#{stage}")

    def free_lock(self, application: str, stage: str) -> int | None:
        """Return the fencing token of a lock that nobody holds, 0 where nobody ever did; None while it is held."""
        lock = self.lock(application, stage)
        if lock is None:
            return 0
        return None if lock["held"] else int(lock["fencing"])

    def acquire_lock(
        self,
        release: ReleaseReference,
        stage: str,
        *,
        execution: str,
        incident: str | None,
        expires_at: int,
        seen: Item | None,
        now: str,
    ) -> int | None:
        """Take the lock as it was last ``seen``. Its new fencing token, or None where it has changed meanwhile."""
        token = 1 if seen is None else int(seen["fencing"]) + 1
        values: Item = {
            ":owner": release.attempt,
            ":version": release.version,
            ":execution": execution,
            ":incident": incident or "",
            ":expires": expires_at,
            ":fencing": token,
            ":now": now,
        }
        condition = "attribute_not_exists(PK)"
        if seen is not None:
            condition = "fencing = :seen"
            values[":seen"] = int(seen["fencing"])
        taken = self._update(
            "LOCK",
            f"{release.application}#{stage}",
            "SET #owner = :owner, version = :version, execution = :execution, incident = :incident, "
            "expires_at = :expires, fencing = :fencing, held = :held, held_since = :now",
            condition,
            values | {":held": True},
            names={"#owner": "owner"},
        )
        return token if taken else None

    def check_lock(self, release: ReleaseReference, stage: str, fencing: int, expires_at: int) -> None:
        """Make sure that the lock is still ours, and extend it. Raises ``LockLost``."""
        if not self._update(
            "LOCK",
            f"{release.application}#{stage}",
            "SET expires_at = :expires",
            "fencing = :fencing AND held = :held",
            {":expires": expires_at, ":fencing": fencing, ":held": True},
        ):
            raise LockLost(
                f"the lock of {release.application}/{stage} no longer has fencing token {fencing}: another execution "
                "took it over; this one changes nothing more"
            )

    def release_lock(self, application: str, stage: str, fencing: int) -> None:
        """Give the lock back, unless it was taken over."""
        self._update(
            "LOCK",
            f"{application}#{stage}",
            "SET held = :free",
            "fencing = :fencing",
            {":free": False, ":fencing": fencing},
        )

    def locks(self) -> list[Item]:
        """Return every lock that is held."""
        return [item for item in self._query("LOCK") if item.get("held")]

    def queues(self) -> list[Item]:
        """Return everybody who stands in the queue of a stage's lock."""
        return [item for item in self._query("LOCK") if "#WAITING#" in str(item["SK"])]

    def wait_for_lock(self, release: ReleaseReference, stage: str, seen_at: int) -> list[Item]:
        """Stand in a stage's queue, and return everybody who does."""
        queue = f"{release.application}#{stage}#WAITING#"
        self._put(
            {
                "PK": "LOCK",
                "SK": queue + release.attempt,
                "release": release.to_dict(),
                "seen_at": seen_at,
                "held": False,
            }
        )
        return self._query("LOCK", queue)

    def leave_queue(self, release: ReleaseReference, stage: str) -> None:
        """Stand in the queue no longer."""
        self._delete("LOCK", f"{release.application}#{stage}#WAITING#{release.attempt}")

    # -- operations and incidents --------------------------------------------------------------------------------

    def record_operation(
        self, stack_id: str, token: str, release: ReleaseReference, stage: str, *, purpose: str, now: str
    ) -> None:
        """Note whose a stack operation is.

        ``purpose`` is deploy, recover or delete for Belay's own, noted before the call; pipeline for one that a
        followed pipeline answers for; repair for a person's, which ended what an incident had left to them.
        """
        self._put(
            {
                "PK": f"STACK#{stack_id}",
                "SK": f"OPERATION#{token}",
                "release": release.to_dict(),
                "stage": stage,
                "purpose": purpose,
                "at": now,
            }
        )

    def operation(self, stack_id: str, token: str) -> Item | None:
        """Return what is noted of the operation that a stack event belongs to; None where it is nobody's known."""
        return self._get(f"STACK#{stack_id}", f"OPERATION#{token}") if token else None

    def open_incident(self, application: str, incident: str, details: Mapping[str, Any], now: str) -> bool:
        """Open an incident. False where it is known already: whoever opened it recovers."""
        return self._transact(
            self._change(
                f"APPLICATION#{application}",
                f"INCIDENT#{incident}",
                "SET application = :application, incident = :incident, details = :details, opened_at = :now, "
                "tried = :tried, blocked = :blocked, settled = :settled, noted = :noted",
                "attribute_not_exists(PK)",
                {
                    ":application": application,
                    ":incident": incident,
                    ":details": dict(details),
                    ":now": now,
                    ":tried": [],
                    ":blocked": {},
                    ":settled": {},
                    ":noted": {},
                },
            ),
            self._open(f"INCIDENT#{incident}", {"application": application, "incident": incident}, ""),
        )

    def incident(self, application: str, incident: str) -> Item | None:
        """Return an incident's record."""
        return self._get(f"APPLICATION#{application}", f"INCIDENT#{incident}")

    def record_step(self, application: str, incident: str, step: Mapping[str, Any], number: int, now: str) -> None:
        """Note, before the call, that a recovery's step of this number is tried; a rerun of it is noted once."""
        self._update(
            f"APPLICATION#{application}",
            f"INCIDENT#{incident}",
            "SET tried = list_append(tried, :step)",
            "size(tried) = :number",
            {":step": [{**step, "at": now}], ":number": number},
        )

    def end_step(self, application: str, incident: str, number: int, seconds: int) -> bool:
        """Note how long a recovery's step took. False where that was noted before."""
        return self._update(
            f"APPLICATION#{application}",
            f"INCIDENT#{incident}",
            f"SET tried[{number}].seconds = :seconds",
            f"attribute_exists(tried[{number}]) AND attribute_not_exists(tried[{number}].seconds)",
            {":seconds": seconds},
        )

    def record_duration(
        self, application: str, stage: str, action: str, subject: str, seconds: int, *, keep: int
    ) -> None:
        """Remember how long a step of a recovery took; the last ``keep`` runs are kept."""
        known = self.durations(application, stage).get((action, subject), [])
        key = {"PK": f"APPLICATION#{application}", "SK": f"DURATION#{stage}#{action}#{subject}"}
        self._put(key | {"action": action, "subject": subject, "seconds": [*known, seconds][-keep:]})

    def durations(self, application: str, stage: str) -> dict[tuple[str, str], list[int]]:
        """Return how long the steps of a stage's recoveries took, by action and subject, oldest first."""
        items = self._query(f"APPLICATION#{application}", f"DURATION#{stage}#")
        return {(item["action"], item["subject"]): item["seconds"] for item in items}

    def recovering_execution(self, incident: str) -> str | None:
        """Return the execution that recovers an open incident, empty before one was started; None where it ended."""
        item = self._get("OPEN", f"INCIDENT#{incident}")
        return None if item is None else str(item["execution"])

    def follow_incident(self, incident: str, execution: str) -> None:
        """Note which execution recovers an open incident."""
        self._update(
            "OPEN",
            f"INCIDENT#{incident}",
            "SET execution = :execution",
            "attribute_exists(PK)",
            {":execution": execution},
        )

    def mark_incident(self, application: str, incident: str, mark: str, subject: str, value: Any) -> None:
        """Note what was found about one subject: why it is ``settled`` or ``blocked``, or other facts ``noted``."""
        self._update(
            f"APPLICATION#{application}",
            f"INCIDENT#{incident}",
            "SET #mark.#subject = :value",
            None,
            {":value": value},
            names={"#mark": mark, "#subject": subject},
        )

    def ask_decision(self, application: str, incident: str, question: str, text: str, now: str) -> bool:
        """Note that a question of an incident is put to people. False where that was noted before."""
        return self._update(
            f"APPLICATION#{application}",
            f"DECISION#{incident}#{question}",
            "SET question = :question, #text = :text, asked_at = :now",
            "attribute_not_exists(asked_at)",
            {":question": question, ":text": text, ":now": now},
            names={"#text": "text"},
        )

    def announced_decision(self, application: str, incident: str, question: str) -> None:
        """Record that people were told of a question; only then is an answer waited for."""
        self._announced(f"APPLICATION#{application}", f"DECISION#{incident}#{question}")

    def decide(  # noqa: PLR0917 - all are parts of one item
        self, application: str, incident: str, question: str, answer: str, by: str, at: str, comment: str = ""
    ) -> bool:
        """Record a person's answer: ``approved`` or ``denied``, and whose it is (an ARN). The first one stands."""
        return self._update(
            f"APPLICATION#{application}",
            f"DECISION#{incident}#{question}",
            "SET question = :question, answer = :answer, #by = :by, #at = :at, #comment = :comment",
            "attribute_not_exists(answer)",
            {":question": question, ":answer": answer, ":by": by, ":at": at, ":comment": comment},
            names={"#by": "by", "#at": "at", "#comment": "comment"},
        )

    def decision(self, application: str, incident: str, question: str) -> Item | None:
        """Return a question of an incident with its answer, where one was given; None where it was not even put."""
        return self._get(f"APPLICATION#{application}", f"DECISION#{incident}#{question}")

    def decisions(self, application: str, incident: str) -> dict[str, Item]:
        """Return every question of an incident, by question."""
        items = self._query(f"APPLICATION#{application}", f"DECISION#{incident}#")
        return {str(item["question"]): item for item in items}

    def close_incident(self, application: str, incident: str, outcome: Outcome, reason: str, now: str) -> bool:
        """Record how an incident ended. False where that was recorded and announced before."""
        return self._close(f"APPLICATION#{application}", f"INCIDENT#{incident}", outcome, reason, now)

    def announced_incident(self, application: str, incident: str) -> None:
        """Record that the end of an incident was told; only then is there nothing left to see to."""
        self._announced(f"APPLICATION#{application}", f"INCIDENT#{incident}")
        self._delete("OPEN", f"INCIDENT#{incident}")

    def rerun_incident(self, application: str, incident: str) -> int:
        """Count one more execution started for an incident, and return its number."""
        with translated("DynamoDB.UpdateItem"):
            answer = self._client.update_item(
                TableName=self._table,
                Key=_typed({"PK": f"APPLICATION#{application}", "SK": f"INCIDENT#{incident}"}),
                UpdateExpression="ADD reruns :one",
                ExpressionAttributeValues=_typed({":one": 1}),
                ReturnValues="UPDATED_NEW",
            )
        return int(_plain(answer["Attributes"])["reruns"])

    def watch_incident(self, incident: str, details: Mapping[str, Any], stack_ids: Sequence[str]) -> None:
        """Remember an ended incident until its unstable stacks are stable again."""
        self._put({"PK": "UNHEALTHY", "SK": incident, "details": dict(details), "stacks": [*stack_ids]})

    def watched_incidents(self) -> list[Item]:
        """Return the ended incidents that left unstable stacks: their ``details`` and ``stacks``."""
        return self._query("UNHEALTHY")

    def watch_incident_no_more(self, incident: str) -> None:
        """Forget an incident whose stacks are stable again."""
        self._delete("UNHEALTHY", incident)

    # -- findings ------------------------------------------------------------------------------------------------

    def open_findings(self, application: str, stage: str) -> dict[str, Item]:
        """Return the findings of a stage that are known and not closed, by identity."""
        prefix = f"FINDING#{stage}#"
        items = self._query(f"APPLICATION#{application}", prefix)
        return {str(item["SK"]).removeprefix(prefix): item for item in items if "closed_at" not in item}

    def open_finding(self, application: str, stage: str, identity: str, finding: Mapping[str, Any], now: str) -> None:
        """Record a finding with the time it was first seen; one that is open already stays as it is."""
        self._update(
            f"APPLICATION#{application}",
            f"FINDING#{stage}#{identity}",
            "SET finding = :finding, first_seen = :now REMOVE closed_at, announced",
            "attribute_not_exists(PK) OR attribute_exists(closed_at)",
            {":finding": dict(finding), ":now": now},
        )

    def announced_finding(self, application: str, stage: str, identity: str) -> None:
        """Record that a finding was told."""
        self._announced(f"APPLICATION#{application}", f"FINDING#{stage}#{identity}")

    def close_finding(self, application: str, stage: str, identity: str, now: str) -> None:
        """Record that a finding has gone; should it come back, it is new."""
        self._update(
            f"APPLICATION#{application}",
            f"FINDING#{stage}#{identity}",
            "SET closed_at = :now",
            "attribute_exists(PK)",
            {":now": now},
        )

    # -- messages ------------------------------------------------------------------------------------------------

    def number_message(self, thread: str, key: str) -> Thread:
        """Give a message the next number of its thread, unless it has one; return the thread with it."""
        self._update(
            f"THREAD#{thread}",
            "MESSAGES",
            "SET #keys = list_append(if_not_exists(#keys, :none), :new)",
            "NOT contains(#keys, :key)",
            {":none": [], ":new": [key], ":key": key},
            names={"#keys": "keys"},
        )
        item = self._get(f"THREAD#{thread}", "MESSAGES") or {}
        return Thread(tuple(item.get("keys", ())), frozenset(item.get("told", ())))

    def told_message(self, thread: str, key: str) -> None:
        """Record that a message of a thread was told."""
        self._update(f"THREAD#{thread}", "MESSAGES", "ADD told :key", None, {":key": {key}})

    # -- pipelines -----------------------------------------------------------------------------------------------

    def record_pipeline(
        self, application: str, stage: str, seen: PipelineExecution, *, deploying: bool, now: str
    ) -> Item:
        """Record what an execution of a stage's pipeline was seen at, unless a later look was recorded. Returns it all.

        Looks are ordered by their newest action; of two at the same one, that which saw the execution's end is later.
        """
        ended = seen.status.terminal
        later = "as_of = :as_of" if ended else "(as_of = :as_of AND ended = :ended)"
        pk, sk = f"APPLICATION#{application}", f"PIPELINE#{stage}#{seen.id}"
        self._update(
            pk,
            sk,
            "SET pipeline = :pipeline, execution = :execution, #status = :status, ended = :ended, as_of = :as_of, "
            "deploying = :deploying, actions = :actions, first_seen = if_not_exists(first_seen, :now)",
            f"attribute_not_exists(as_of) OR as_of < :as_of OR {later}",
            {
                ":pipeline": seen.pipeline,
                ":execution": seen.id,
                ":status": seen.status.value,
                ":ended": ended,
                ":as_of": seen.as_of,
                ":deploying": deploying,
                ":actions": {f"{each.stage}/{each.action}": each.status.value for each in seen.actions},
                ":now": now,
            },
            names={"#status": "status"},
        )
        return self._get(pk, sk) or {}

    def run_pipeline(self, release: ReleaseReference, stage: str, pipeline: str, execution: str, now: str) -> None:
        """Note that a release of ours runs an execution: its machine answers for the end."""
        self._update(
            f"APPLICATION#{release.application}",
            f"PIPELINE#{stage}#{execution}",
            "SET pipeline = :pipeline, execution = :execution, #release = :release, "
            "first_seen = if_not_exists(first_seen, :now)",
            None,
            {":pipeline": pipeline, ":execution": execution, ":release": release.to_dict(), ":now": now},
            names={"#release": "release"},
        )

    def pipeline(self, application: str, stage: str, execution: str) -> Item | None:
        """Return what is recorded of an execution of a stage's pipeline."""
        return self._get(f"APPLICATION#{application}", f"PIPELINE#{stage}#{execution}")

    def claim_pipeline(self, application: str, stage: str, execution: str, mark: str, *, now: int, until: int) -> bool:
        """Claim one thing to do about an execution, for a while. False where somebody is at it or it is done."""
        return self._update(
            f"APPLICATION#{application}",
            f"PIPELINE#{stage}#{execution}",
            "SET acting_until = :until",
            "(attribute_not_exists(acting_until) OR acting_until < :now) AND NOT contains(done, :mark)",
            {":until": until, ":now": now, ":mark": mark},
        )

    def settle_pipeline(self, application: str, stage: str, execution: str, mark: str | None) -> None:
        """Give a claim back; with a mark, what was claimed is done and is not done again."""
        self._update(
            f"APPLICATION#{application}",
            f"PIPELINE#{stage}#{execution}",
            "REMOVE acting_until" if mark is None else "ADD done :mark REMOVE acting_until",
            None,
            {} if mark is None else {":mark": {mark}},
        )

    def follow_pipeline(self, application: str, stage: str, execution: str, *, deploying: bool) -> None:
        """Keep an execution among those that the sweep must see end."""
        self._put({"PK": "PIPELINE", "SK": f"{application}#{stage}#{execution}", "deploying": deploying})

    def unfollow_pipeline(self, application: str, stage: str, execution: str) -> None:
        """Forget an execution that has ended and been answered."""
        self._delete("PIPELINE", f"{application}#{stage}#{execution}")

    def followed_pipelines(self, application: str, stage: str) -> dict[str, bool]:
        """Return the executions of a stage's pipeline that have not ended, with whether each has begun to deploy."""
        prefix = f"{application}#{stage}#"
        return {str(item["SK"])[len(prefix) :]: item["deploying"] for item in self._query("PIPELINE", prefix)}

    def watch_pipeline(self, application: str, stage: str, pipeline: str, now: str) -> str:
        """Return since when a stage's pipeline is watched: from the first call, which is this one or an earlier."""
        pk, sk = f"APPLICATION#{application}", f"PIPELINE#{stage}"
        self._update(
            pk,
            sk,
            "SET watched = :pipeline, watched_since = :now",
            "attribute_not_exists(watched) OR watched <> :pipeline",
            {":pipeline": pipeline, ":now": now},
        )
        return str((self._get(pk, sk) or {}).get("watched_since", now))

    def record_good_pipeline(self, application: str, stage: str, good: Mapping[str, Any]) -> None:
        """Keep what the stage's pipeline deployed last with success: execution, revisions, where the baselines are."""
        self._update(
            f"APPLICATION#{application}",
            f"PIPELINE#{stage}",
            "SET good = :good",
            "attribute_not_exists(good) OR good.as_of <= :as_of",
            {":good": dict(good), ":as_of": good["as_of"]},
        )

    def good_pipeline(self, application: str, stage: str) -> Item | None:
        """Return what ``record_good_pipeline`` kept."""
        return (self._get(f"APPLICATION#{application}", f"PIPELINE#{stage}") or {}).get("good")

    # -- baselines -----------------------------------------------------------------------------------------------

    def record_baseline(self, release: ReleaseReference, stage: str, stack: str, baseline: Mapping[str, Any]) -> None:
        """Keep a stack as it was before this attempt; what was captured first stands."""
        self._update(
            f"RELEASE#{release.application}#{release.version}",
            f"BASELINE#{stage}#{release.attempt}#{stack}",
            "SET baseline = :baseline",
            "attribute_not_exists(PK)",
            {":baseline": dict(baseline)},
        )

    def baselines(self, release: ReleaseReference, stage: str) -> dict[str, Item]:
        """Return the captured baselines of this attempt by stack."""
        prefix = f"BASELINE#{stage}#{release.attempt}#"
        items = self._query(f"RELEASE#{release.application}#{release.version}", prefix)
        return {str(item["SK"])[len(prefix) :]: item["baseline"] for item in items}

    # -- the table -----------------------------------------------------------------------------------------------

    def _close(self, pk: str, sk: str, outcome: Outcome, reason: str, now: str, *, attempt: str | None = None) -> bool:
        condition = "(attribute_not_exists(outcome) OR (outcome = :outcome AND attribute_not_exists(announced)))"
        values: Item = {":outcome": outcome.value, ":reason": reason, ":now": now}
        if attempt is not None:
            condition += " AND attempt = :attempt"
            values[":attempt"] = attempt
        return self._update(pk, sk, "SET outcome = :outcome, reason = :reason, ended_at = :now", condition, values)

    def _announced(self, pk: str, sk: str, *, attempt: str | None = None) -> None:
        condition, values = (None, {}) if attempt is None else ("attempt = :attempt", {":attempt": attempt})
        self._update(pk, sk, "SET announced = :yes", condition, {":yes": True, **values})

    def _open(self, sk: str, document: Mapping[str, Any], execution: str) -> Item:
        item = {"PK": "OPEN", "SK": sk, "document": dict(document), "execution": execution}
        return self._new(item)

    def _new(self, item: Item) -> Item:
        return {"Put": {"TableName": self._table, "Item": _typed(item)}}

    def _change(
        self,
        pk: str,
        sk: str,
        update: str,
        condition: str,
        values: Item,
        *,
        names: Mapping[str, str] | None = None,
    ) -> Item:
        change: Item = {
            "TableName": self._table,
            "Key": _typed({"PK": pk, "SK": sk}),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": _typed(values),
        }
        if names:
            change["ExpressionAttributeNames"] = dict(names)
        return {"Update": change}

    def _transact(self, *changes: Item) -> bool:
        with translated("DynamoDB.TransactWriteItems"):
            try:
                self._client.transact_write_items(TransactItems=list(changes))
            except ClientError as error:
                if "ConditionalCheckFailed" in cancellation_codes(error):
                    return False
                raise
        return True

    def _update(
        self,
        pk: str,
        sk: str,
        update: str,
        condition: str | None,
        values: Item,
        *,
        names: Mapping[str, str] | None = None,
    ) -> bool:
        arguments: Item = {
            "TableName": self._table,
            "Key": _typed({"PK": pk, "SK": sk}),
            "UpdateExpression": update,
        }
        if values:
            arguments["ExpressionAttributeValues"] = _typed(values)
        if condition:
            arguments["ConditionExpression"] = condition
        if names:
            arguments["ExpressionAttributeNames"] = dict(names)
        with translated("DynamoDB.UpdateItem"):
            try:
                self._client.update_item(**arguments)
            except ClientError as error:
                if code_of(error) == "ConditionalCheckFailedException":
                    return False
                raise
        return True

    def _put(self, item: Item) -> None:
        with translated("DynamoDB.PutItem"):
            self._client.put_item(TableName=self._table, Item=_typed(item))

    def _get(self, pk: str, sk: str) -> Item | None:
        with translated("DynamoDB.GetItem"):
            answer = self._client.get_item(TableName=self._table, Key=_typed({"PK": pk, "SK": sk}), ConsistentRead=True)
        return _plain(answer["Item"]) if "Item" in answer else None

    def _query(self, pk: str, prefix: str = "") -> list[Item]:
        condition = "PK = :pk"
        values = {":pk": pk}
        if prefix:
            condition += " AND begins_with(SK, :prefix)"
            values[":prefix"] = prefix
        with translated("DynamoDB.Query"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=_typed(values),
                ConsistentRead=True,
            )
            return [_plain(item) for page in pages for item in page["Items"]]

    def _delete(self, pk: str, sk: str, *, attempt: str | None = None) -> None:
        arguments: Item = {"TableName": self._table, "Key": _typed({"PK": pk, "SK": sk})}
        if attempt is not None:
            arguments["ConditionExpression"] = "document.attempt = :attempt"
            arguments["ExpressionAttributeValues"] = _typed({":attempt": attempt})
        with translated("DynamoDB.DeleteItem"):
            try:
                self._client.delete_item(**arguments)
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise


def _deployed(release: ReleaseReference, stage: str, now: str) -> list[Item]:
    """The stage's last-known-good release, and its place among what was deployed there."""
    keys = (f"STAGE#{stage}", f"DEPLOYED#{stage}#{now}")
    known = {"release": release.to_dict(), "version": release.version, "deployed_at": now}
    return [{"PK": f"APPLICATION#{release.application}", "SK": key} | known for key in keys]


def _transition(release: ReleaseReference, stage: str | None, state: str, *, now: str, detail: str) -> Item:
    return {
        "PK": f"RELEASE#{release.application}#{release.version}",
        "SK": f"TRANSITION#{now}#{stage or ''}#{state}",
        "attempt": release.attempt,
        "stage": stage or "",
        "state": state,
        "at": now,
        "detail": detail,
    }


def _typed(item: Mapping[str, Any]) -> Item:
    return {name: _SERIALIZER.serialize(value) for name, value in item.items()}


def _plain(item: Mapping[str, Any]) -> Item:
    return {name: _without_decimals(_DESERIALIZER.deserialize(value)) for name, value in item.items()}


def _without_decimals(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _without_decimals(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_decimals(inner) for inner in value]
    return value
