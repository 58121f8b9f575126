"""The executions of the stages' pipelines, and each pipeline's last good deployment."""

from dataclasses import asdict, dataclass
from typing import Any

from belay.aws.clock import kept_until
from belay.aws.dynamodb import Item
from belay.documents import read
from belay.ledger.records import Records, is_current
from belay.pipeline.execution import PipelineExecution, PipelineStatus, Revision, origin_of
from belay.release.origin import Origin
from belay.release.records import ReleaseReference


@dataclass(frozen=True)
class ExecutionRecord:
    """What is known of an execution: its ``status`` when last seen, and the marks of what was ``done`` about it.

    ``release`` is the Belay release that started it, if any, ``task_token`` that of the task that waits for its events.
    """

    status: PipelineStatus | None = None
    release: ReleaseReference | None = None
    done: frozenset[str] = frozenset()
    task_token: str | None = None

    @classmethod
    def from_item(cls, item: Item) -> "ExecutionRecord":
        """Read the ledger's item."""
        return cls(
            status=PipelineStatus(item["status"]) if "status" in item else None,
            release=ReleaseReference.from_dict(item["release"]) if "release" in item else None,
            done=frozenset(item.get("done", ())),
            task_token=item.get("task_token"),
        )


@dataclass(frozen=True)
class GoodExecution:
    """The last good deployment of a stage's pipeline; ``as_of`` orders two of them.

    ``arn`` is the pipeline's, empty if an earlier version of Belay recorded the deployment.
    """

    pipeline: str
    execution: str
    revisions: tuple[Revision, ...]
    as_of: str
    recorded_at: str
    arn: str = ""

    def kept_under(self, application: str) -> Origin:
        """Return the origin under which its resulting stacks are stored."""
        return origin_of(application, self.pipeline, f"{self.execution}-good")

    def to_dict(self) -> dict[str, Any]:
        """Return the stored form."""
        return {**asdict(self), "revisions": [asdict(each) for each in self.revisions]}

    @classmethod
    def from_dict(cls, document: Item) -> "GoodExecution":
        """Read what ``to_dict`` wrote."""
        return read(cls, document, "the last good execution")


class PipelineRecords(Records):
    """Items ``PIPELINE#`` of an application, and the partition ``PIPELINE``."""

    def record(
        self, application: str, stage: str, seen: PipelineExecution, *, deploying: bool, now: str
    ) -> ExecutionRecord:
        """Record an observation of a pipeline's execution, unless a later one was recorded. Returns the whole record.

        Observations are ordered by their newest action; of two with the same one, the one that saw the end is later.
        """
        ended = seen.status.terminal
        later = "as_of = :as_of" if ended else "(as_of = :as_of AND ended = :ended)"
        pk, sk = f"APPLICATION#{application}", f"PIPELINE#{stage}#{seen.id}"
        self._table.update(
            pk,
            sk,
            "SET pipeline = :pipeline, execution = :execution, #status = :status, ended = :ended, as_of = :as_of, "
            "deploying = :deploying, actions = :actions, expires = :expires, "
            "first_seen = if_not_exists(first_seen, :now)",
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
                ":expires": kept_until(now),
            },
            names={"#status": "status"},
        )
        return ExecutionRecord.from_item(self._table.get(pk, sk) or {})

    def run(self, release: ReleaseReference, stage: str, pipeline: str, execution: str, now: str) -> None:
        """Record that one of Belay's releases started an execution: its state machine handles the end."""
        self._table.update(
            f"APPLICATION#{release.application}",
            f"PIPELINE#{stage}#{execution}",
            "SET pipeline = :pipeline, execution = :execution, #release = :release, expires = :expires, "
            "first_seen = if_not_exists(first_seen, :now)",
            None,
            {
                ":pipeline": pipeline,
                ":execution": execution,
                ":release": release.to_dict(),
                ":now": now,
                ":expires": kept_until(now),
            },
            names={"#release": "release"},
        )

    def await_event(self, application: str, stage: str, execution: str, task_token: str) -> None:
        """Record the token of the task that waits for an execution's events."""
        values = {":token": task_token}
        pk, sk = f"APPLICATION#{application}", f"PIPELINE#{stage}#{execution}"
        self._table.update(pk, sk, "SET task_token = :token", "attribute_exists(PK)", values)

    def get(self, application: str, stage: str, execution: str) -> ExecutionRecord | None:
        """Return what is recorded of an execution of a stage's pipeline."""
        found = self._table.get(f"APPLICATION#{application}", f"PIPELINE#{stage}#{execution}")
        return None if found is None or not is_current(found) else ExecutionRecord.from_item(found)

    def claim(self, application: str, stage: str, execution: str, mark: str, *, now: int, until: int) -> bool:
        """Claim one task of an execution for a limited time. False if it is claimed or done."""
        return self._table.update(
            f"APPLICATION#{application}",
            f"PIPELINE#{stage}#{execution}",
            "SET acting_until = :until",
            "(attribute_not_exists(acting_until) OR acting_until < :now) AND NOT contains(done, :mark)",
            {":until": until, ":now": now, ":mark": mark},
        )

    def settle(self, application: str, stage: str, execution: str, mark: str | None) -> None:
        """Release a claim; with a mark, the task is done and is not repeated."""
        self._table.update(
            f"APPLICATION#{application}",
            f"PIPELINE#{stage}#{execution}",
            "REMOVE acting_until" if mark is None else "ADD done :mark REMOVE acting_until",
            None,
            {} if mark is None else {":mark": {mark}},
        )

    def follow(self, application: str, stage: str, execution: str, *, deploying: bool) -> None:
        """Add an execution to those that the sweep must see finished."""
        self._table.put({"PK": "PIPELINE", "SK": f"{application}#{stage}#{execution}", "deploying": deploying})

    def unfollow(self, application: str, stage: str, execution: str) -> None:
        """Remove an execution that has ended and been handled."""
        self._table.delete("PIPELINE", f"{application}#{stage}#{execution}")

    def followed(self, application: str, stage: str) -> dict[str, bool]:
        """Return the executions of a stage's pipeline that have not ended, with whether each has begun to deploy."""
        prefix = f"{application}#{stage}#"
        return {str(item["SK"])[len(prefix) :]: item["deploying"] for item in self._table.query("PIPELINE", prefix)}

    def watch(self, application: str, stage: str, pipeline: str, now: str) -> str:
        """Return when the watch on a stage's pipeline (an ARN) began, which is at the first call.

        Earlier versions of Belay recorded only the pipeline's name: that watch goes on.
        """
        pk, sk = f"APPLICATION#{application}", f"PIPELINE#{stage}"
        item = self._table.get(pk, sk) or {}
        if item.get("watched") != pipeline:
            goes_on = item.get("watched") == pipeline.rpartition(":")[2]
            values = {":pipeline": pipeline, ":since": item["watched_since"] if goes_on else now}
            condition = "attribute_not_exists(watched) OR watched <> :pipeline"
            self._table.update(pk, sk, "SET watched = :pipeline, watched_since = :since", condition, values)
            item = self._table.get(pk, sk) or {}
        return str(item.get("watched_since", now))

    def record_good(self, application: str, stage: str, good: GoodExecution) -> None:
        """Store the pipeline's last good deployment, unless a later one is stored."""
        self._table.update(
            f"APPLICATION#{application}",
            f"PIPELINE#{stage}",
            "SET good = :good",
            "attribute_not_exists(good) OR good.as_of <= :as_of",
            {":good": good.to_dict(), ":as_of": good.as_of},
        )

    def good(self, application: str, stage: str, pipeline: str) -> GoodExecution | None:
        """Return the last good deployment of a stage's pipeline (an ARN); None if it has none."""
        found = (self._table.get(f"APPLICATION#{application}", f"PIPELINE#{stage}") or {}).get("good")
        good = None if found is None else GoodExecution.from_dict(found)
        return good if good is not None and good.arn in ("", pipeline) else None
