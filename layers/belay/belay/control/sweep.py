"""Reconciles missed events: starts held uploads, reminds, finishes what was left, checks locks and stacks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, Concatenate, ParamSpec, TypeVar

from belay.aws.clock import lease
from belay.aws.stepfunctions import Executions
from belay.control.alone import EachAlone
from belay.control.approvals import Approvals
from belay.control.decisions import Decisions
from belay.control.dry_runs import DryRuns
from belay.control.failed_stacks import FailedStacks, SeenStack
from belay.control.missed_uploads import MissedUploads
from belay.control.places import Places
from belay.control.registrations import RegistrationsReadOnce
from belay.control.stack_claims import StackClaims
from belay.control.superseding import Superseding
from belay.control.unfinished import Unfinished
from belay.control.unhealthy import Unhealthy
from belay.control.unreadable import Unreadable
from belay.ledger.ledger import Ledger
from belay.notify.registrations import registration_unreadable, stacks_shared
from belay.release.attempt import HeldUpload
from belay.release.names import execution_name
from belay.release.place import StagePlace
from belay.release.stack_claim import StackClaim

Given = ParamSpec("Given")
Found = TypeVar("Found")
Item = TypeVar("Item")


@dataclass(frozen=True)
class Sweep:
    """One sweep. A fault in one part or item does not affect the others: it is collected in ``faults``.

    ``lists_read`` has the length of each of the ledger's lists that could be read.
    """

    ledger: Ledger
    executions: Executions
    registrations: RegistrationsReadOnce
    unreadable: Unreadable
    unfinished: Unfinished
    failed_stacks: FailedStacks
    unhealthy: Unhealthy
    superseding: Superseding
    stack_claims: StackClaims
    places: Places
    approvals: Approvals
    decisions: Decisions
    missed_uploads: MissedUploads
    deploy_machine_arn: str
    plan_machine_arn: str
    alone: EachAlone = field(default_factory=EachAlone)
    lists_read: list[int] = field(default_factory=list)

    @property
    def blind(self) -> bool:
        """Whether none of the ledger's lists could be read, so that nothing was done."""
        return not self.lists_read

    def run(self, now: datetime, paused: Callable[[], bool]) -> dict[str, Any]:
        """Reconcile the ledger with what is really running; return what was done, part by part.

        What people wait for comes first, the slow check of every stack last. If it is unknown whether Belay is
        ``paused``, it counts as paused.
        """
        # The parts are done in this order.
        may_start = self._attempted(paused) is False
        held = self._attempted(self._listed(self.ledger.uploads.held)) or []
        open_attempts, asked = self._listed(self.ledger.attempts.open_ones), self._listed(self.ledger.approvals.asked)
        incidents = self._attempted(self._listed(self.ledger.incidents.open_ones))
        return {
            "resumed": len(self._each(lambda: held, self.resume)) if may_start else 0,
            "superseded": self._each(open_attempts, self.superseding.follow_up),
            "reminded": len(self._each(asked, self.approvals.follow_up, self.decisions, now)),
            "open_incidents": None if incidents is None else len(incidents),
            "taken_up": [
                *self._each(open_attempts, self.unfinished.take_up_dead),
                *self._each_there(
                    lambda: self._each(lambda: incidents or (), self.unfinished.dead),
                    self.unfinished.recover,
                    lambda record: record.incident.place,
                ),
            ],
            "plans_cleaned": self._each(
                self._listed(self.ledger.dry_runs.every),
                DryRuns(self.ledger, self.executions).clean,
                self.plan_machine_arn,
                now,
            ),
            "locks_held_past_expiry": self._attempted(self.left_behind) or [],
            "unreadable_registrations": self._attempted(self.tell_of_registrations, now) or [],
            "missed_uploads": (self._attempted(self.look_for_missed, now, held) or []) if may_start else [],
            "freed_stacks": self._each_there(self.unregistered_stacks, self.free_if_gone, self._place_of),
            "healthy_again": self._each_there(
                self._listed(self.ledger.incidents.watched),
                self.unhealthy.close_if_healthy,
                lambda watched: watched.incident.place,
            ),
            "failed_stacks": self._each_there(
                self.registered_stacks, self.failed_stacks.take_up_failed, lambda seen: seen.place
            ),
        }

    @property
    def faults(self) -> list[Exception]:
        """What was raised."""
        return self.alone.faults

    def _each(
        self,
        read: Callable[[], Iterable[Item]],
        act: Callable[Concatenate[Item, Given], Found | None],
        *args: Given.args,
        **named: Given.kwargs,
    ) -> list[Found]:
        """Act on each item that a part of the sweep reads; return the results, without empty ones."""
        done = [self._attempted(act, each, *args, **named) for each in self._attempted(read) or ()]
        return [each for each in done if each]

    def _each_there(
        self,
        read: Callable[[], Iterable[Item]],
        act: Callable[[Item], Found | None],
        place: Callable[[Item], StagePlace | None],
    ) -> list[Found]:
        """Act on each item elsewhere, unless its region did not respond before."""
        placed = self._each(read, lambda item: (item, place(item)))
        done = [self.alone.attempt(partial(act, each), place=there) for each, there in placed]
        return [each for each in done if each]

    def _listed(self, read: Callable[[list[Exception]], Sequence[Item]]) -> Callable[[], Sequence[Item]]:
        """Return a list of the ledger without its damaged items, which are reported as faults."""

        def listed() -> Sequence[Item]:
            found = read(self.faults)
            self.lists_read.append(len(found))
            return found

        return listed

    def _attempted(self, act: Callable[Given, Found], *args: Given.args, **named: Given.kwargs) -> Found | None:
        """Do one part of the sweep; whatever it raises, bugs included, is collected with the other faults."""
        return self.alone.attempt(partial(act, *args, **named))

    def resume(self, held: HeldUpload) -> str:
        """Start a held upload. If it is held again it needs another name: a used name would start nothing."""
        name = execution_name("held", held.upload.application, held.name)
        self.executions.start_execution(self.deploy_machine_arn, name, held.event)
        self.ledger.uploads.unhold(held)
        return name

    def tell_of_registrations(self, now: datetime) -> list[str]:
        """Report registrations that cannot be read or share a stack, and corrected ones; return the unreadable."""
        read = self.registrations.all
        self.faults.extend(read.faults.values())
        self._each(read.unreadable.items, self.unreadable.tell, now, registration_unreadable)
        shared = self._attempted(self.stack_claims.shared, read, self.faults)
        self._each((shared or {}).items, self.unreadable.tell, now, stacks_shared)
        known = self._attempted(self.ledger.registrations.unreadable, self.faults) or []
        corrected = [each for each in known if shared is not None and each.parameter not in shared]
        corrected = [each for each in corrected if read.is_in_order(each.parameter)]
        self._each(lambda: corrected, self.unreadable.tell_corrected)
        return [*read.unreadable]

    def unregistered_stacks(self) -> list[StackClaim]:
        """Return the claims on stacks that are no longer registered."""
        return self.stack_claims.unregistered(self.registrations.all, self.faults)

    def free_if_gone(self, claim: StackClaim) -> str | None:
        """Free the claim on a deleted stack. Raises if its account cannot be reached."""
        place = self._place_of(claim)
        return self.stack_claims.free_if_gone(claim, self.places.at(place, claim.application, claim.stage).stacks)

    def _place_of(self, claim: StackClaim) -> StagePlace | None:
        return self.places.of_claim(claim, self.registrations.all.stages)

    def registered_stacks(self) -> list[SeenStack]:
        """Return the registered stacks, wherever they are: an unreachable place is a fault."""
        found = self._each_there(
            self.failed_stacks.stages_by_place, self.failed_stacks.registered, lambda stages: stages[0].place
        )
        return list(chain.from_iterable(found))

    def look_for_missed(self, now: datetime, held: Sequence[HeldUpload]) -> list[str]:
        """Start the uploads whose events were missed. Returns their attempts."""
        return self.missed_uploads.look(now, [each.upload for each in held], self.alone)

    def left_behind(self) -> list[str]:
        """Return the locks that are held beyond their expiry."""
        held = self.ledger.locks.held(self.faults)
        return [f"{lock.application}#{lock.stage}" for lock in held if lock.expires_at < lease(0)]
