"""The executions of the stages' pipelines, and what each deployed last with success."""

from dataclasses import asdict, dataclass
from typing import Any

from belay.aws.clock import kept_until
from belay.aws.dynamodb import Item, Table
from belay.pipeline.execution import PipelineExecution, PipelineStatus, Revision, origin_of
from belay.release.origin import Origin
from belay.release.records import ReleaseReference


@dataclass(frozen=True)
class ExecutionRecord:
    """What is known of an execution: its ``status`` at the last look, and the marks of what was ``done`` about it.

    ``release`` is the release of Belay's that runs it, where one does.
    """

    status: PipelineStatus | None = None
    release: ReleaseReference | None = None
    done: frozenset[str] = frozenset()

    @classmethod
    def from_item(cls, item: Item) -> "ExecutionRecord":
        """Read the ledger's item."""
        return cls(
            status=PipelineStatus(item["status"]) if "status" in item else None,
            release=ReleaseReference.from_dict(item["release"]) if "release" in item else None,
            done=frozenset(item.get("done", ())),
        )


@dataclass(frozen=True)
class GoodExecution:
    """What a stage's pipeline deployed last with success; ``as_of`` orders two of them."""

    pipeline: str
    execution: str
    revisions: tuple[Revision, ...]
    as_of: str
    recorded_at: str

    def kept_under(self, application: str) -> Origin:
        """Return under what the stacks are kept as it left them."""
        return origin_of(application, self.pipeline, f"{self.execution}-good")

    def to_dict(self) -> dict[str, Any]:
        """Return what the ledger keeps."""
        return {**asdict(self), "revisions": [asdict(each) for each in self.revisions]}

    @classmethod
    def from_dict(cls, document: Item) -> "GoodExecution":
        """Read what ``to_dict`` wrote."""
        known = {name: document[name] for name in cls.__dataclass_fields__}
        return cls(**known | {"revisions": tuple(Revision(**each) for each in document["revisions"])})


class PipelineRecords:
    """Items ``PIPELINE#`` of an application, and the partition ``PIPELINE``."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def record(
        self, application: str, stage: str, seen: PipelineExecution, *, deploying: bool, now: str
    ) -> ExecutionRecord:
        """Record what an execution of a stage's pipeline was seen at, unless a later look was recorded. Returns it all.

        Looks are ordered by their newest action; of two at the same one, that which saw the execution's end is later.
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
        """Note that a release of ours runs an execution: its machine answers for the end."""
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

    def get(self, application: str, stage: str, execution: str) -> ExecutionRecord | None:
        """Return what is recorded of an execution of a stage's pipeline."""
        found = self._table.get(f"APPLICATION#{application}", f"PIPELINE#{stage}#{execution}")
        return None if found is None else ExecutionRecord.from_item(found)

    def claim(self, application: str, stage: str, execution: str, mark: str, *, now: int, until: int) -> bool:
        """Claim one thing to do about an execution, for a while. False where somebody is at it or it is done."""
        return self._table.update(
            f"APPLICATION#{application}",
            f"PIPELINE#{stage}#{execution}",
            "SET acting_until = :until",
            "(attribute_not_exists(acting_until) OR acting_until < :now) AND NOT contains(done, :mark)",
            {":until": until, ":now": now, ":mark": mark},
        )

    def settle(self, application: str, stage: str, execution: str, mark: str | None) -> None:
        """Give a claim back; with a mark, what was claimed is done and is not done again."""
        self._table.update(
            f"APPLICATION#{application}",
            f"PIPELINE#{stage}#{execution}",
            "REMOVE acting_until" if mark is None else "ADD done :mark REMOVE acting_until",
            None,
            {} if mark is None else {":mark": {mark}},
        )

    def follow(self, application: str, stage: str, execution: str, *, deploying: bool) -> None:
        """Keep an execution among those that the sweep must see end."""
        self._table.put({"PK": "PIPELINE", "SK": f"{application}#{stage}#{execution}", "deploying": deploying})

    def unfollow(self, application: str, stage: str, execution: str) -> None:
        """Forget an execution that has ended and been answered."""
        self._table.delete("PIPELINE", f"{application}#{stage}#{execution}")

    def followed(self, application: str, stage: str) -> dict[str, bool]:
        """Return the executions of a stage's pipeline that have not ended, with whether each has begun to deploy."""
        prefix = f"{application}#{stage}#"
        return {str(item["SK"])[len(prefix) :]: item["deploying"] for item in self._table.query("PIPELINE", prefix)}

    def watch(self, application: str, stage: str, pipeline: str, now: str) -> str:
        """Return since when a stage's pipeline is watched: from the first call, which is this one or an earlier."""
        pk, sk = f"APPLICATION#{application}", f"PIPELINE#{stage}"
        self._table.update(
            pk,
            sk,
            "SET watched = :pipeline, watched_since = :now",
            "attribute_not_exists(watched) OR watched <> :pipeline",
            {":pipeline": pipeline, ":now": now},
        )
        return str((self._table.get(pk, sk) or {}).get("watched_since", now))

    def record_good(self, application: str, stage: str, good: GoodExecution) -> None:
        """Keep what the stage's pipeline deployed last with success, unless a later one is kept."""
        self._table.update(
            f"APPLICATION#{application}",
            f"PIPELINE#{stage}",
            "SET good = :good",
            "attribute_not_exists(good) OR good.as_of <= :as_of",
            {":good": good.to_dict(), ":as_of": good.as_of},
        )

    def good(self, application: str, stage: str) -> GoodExecution | None:
        """Return what the stage's pipeline deployed last with success."""
        found = (self._table.get(f"APPLICATION#{application}", f"PIPELINE#{stage}") or {}).get("good")
        return None if found is None else GoodExecution.from_dict(found)
