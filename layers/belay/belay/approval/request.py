"""An approval request: everything that a release would do to a stage, in words, the riskiest first."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from belay.approval.seal import SEAL_DIGITS, Seal
from belay.approval.stage_report import StageReport
from belay.documents import Document, read, written
from belay.release.registration import Restore
from belay.rollback.rehearsal import Rehearsal

_DAY = timedelta(days=1)


def remind_at(asked_at: datetime, expires_at: datetime) -> datetime:
    """Return when the reminder is due: a day before the deadline, or when a quarter of the time is left if that is
    later.

    For a week's approval that is a day before its end, for a day's six hours.
    """
    return expires_at - min(_DAY, (expires_at - asked_at) / 4)


@dataclass(frozen=True, kw_only=True)
class ApprovalRequest(StageReport):
    """One stage's approval of one release.

    ``others`` are the application's other open releases; ``rehearsal`` is the rollback's rehearsal, if it was done;
    ``held`` is until when the stage's windows hold the release; ``link`` lets its recipients answer without the
    command; ``unsealed`` are the dynamic references without a version, each with its location.
    """

    seal: Seal
    asked_at: datetime
    expires_at: datetime
    others: tuple[str, ...] = ()
    rehearsal: Rehearsal | None = None
    held: str | None = None
    link: str | None = None
    unsealed: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """The request, in two sentences."""
        release, stage = self.sealed.release, self.stage.name
        return f"{release.application} {release.version} is ready to deploy to {stage} and {self.would}. {self.today}"

    @property
    def database_lines(self) -> list[str]:
        """The release's database changes, each with its digest, and the databases' snapshots."""
        stage, lines = self.stage, super().database_lines
        if stage.databases:
            names = ", ".join(each.identifier for each in stage.databases)
            lines.append(f"a snapshot of {names} is taken after the approval; {_RESTORES[stage.restore]}")
            if stage.vault is not None:
                lines.append(f"the snapshots are copied to {stage.vault}; no release waits for that")
        return lines

    @property
    def rollback_lines(self) -> list[str]:
        """The result of the rollback's rehearsal."""
        return ["the rollback was not rehearsed"] if self.rehearsal is None else self.rehearsal.describe()

    @property
    def unsealed_lines(self) -> list[str]:
        """References that may have another value when CloudFormation resolves them, despite the approval."""
        return [f"{each}: CloudFormation looks it up; not sealed" for each in self.unsealed]

    @property
    def waiting_lines(self) -> list[str]:
        """The consequences of waiting."""
        queue = ", ".join(self.others)
        return [
            "no lock is held and no snapshot is taken before the approval, so waiting loses no data",
            "the change sets do not expire, but if the stage changes meanwhile, the approval no longer counts",
            f"other releases in progress: {queue}" if queue else "no other release of the application is in progress",
            *([f"if approved now, it waits until {self.held}"] if self.held else []),
            *(["the uploader cannot approve"] if self.stage.approval.four_eyes else []),
        ]

    @property
    def commands(self) -> list[str]:
        """How to answer. An approval names the seal, so that it cannot approve a later attempt at the version."""
        about = f"{self._release} --stage {shlex.quote(self.stage.name)}"
        return [f"belay approve {about} --seal {self.seal.digest[:SEAL_DIGITS]}", f"belay reject {about} --comment WHY"]

    @property
    def report_command(self) -> str:
        """How to open the full report."""
        return f"belay show {self._release} --report"

    @property
    def _release(self) -> str:
        return shlex.quote(f"{self.sealed.release.application}/{self.sealed.release.version}")


@dataclass(frozen=True)
class ApprovalText:
    """The text of an approval's message, stored for the reminder."""

    what: str
    until: str
    changes: tuple[str, ...]
    more: Mapping[str, tuple[str, ...]]
    answers: Mapping[str, str]
    report: str

    @classmethod
    def of(cls, request: ApprovalRequest) -> "ApprovalText":
        """Return the request's text."""
        approve, reject = request.commands
        more = {
            "Policies": request.policy_lines,
            "Databases": request.database_lines,
            "Rollback": request.rollback_lines,
            "While it waits": request.waiting_lines,
            **({"Not sealed": request.unsealed_lines} if request.unsealed else {}),
        }
        return cls(
            what=request.what,
            until=in_utc(request.expires_at),
            changes=tuple(request.change_lines),
            more={title: tuple(lines) for title, lines in more.items()},
            answers={"Approve": approve, "Reject": reject},
            report=request.report_command,
        )

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "ApprovalText":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, "approval.json", _with_answers_by_name)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)


def _with_answers_by_name(document: Document) -> Document:
    """Belay 0.1 kept a line for each answer: ``Approve: belay approve ...``."""
    return {**document, "answers": dict(each.split(": ", 1) for each in document["answers"])}


_RESTORES: dict[Restore, str] = {
    "never": "it is registered as never to be restored",
    "approval": "a restore needs a separate approval",
    "automatic": "it is registered to be restored automatically",
}


def in_utc(time: datetime) -> str:
    """``2026-03-02 12:00 UTC``."""
    return f"{time:%Y-%m-%d %H:%M} UTC"
