"""Decides about an operation on a stack: whether it is checked, whether it is Belay's own, the policies' verdict."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Final

from belay.aws.clock import now
from belay.aws.cloudformation import Stacks
from belay.control.registrations import Registrations
from belay.errors import InvalidRegistration, UnreadableTemplate
from belay.ledger.operations import OperationRecords, Submitted
from belay.policy.change_sets import check_change_set
from belay.policy.gate import check_template
from belay.policy.settings import PolicySettings
from belay.release.registration import Stage
from belay.stack.baseline import HIDDEN
from belay.stack.change_set import ChangeSet
from belay.stack.stack_id import name_of_stack, pseudo_parameters
from belay.stack.status import StackStatus
from packs.hook.answer import HookAnswer, of_report, passed_over, undecided
from packs.hook.checking import TemplateRules
from packs.hook.invocation import STACK, Invocation

BEGINS_WITHIN: Final = timedelta(minutes=10)
"""How long after Belay's record an operation without a change set may be Belay's, recognized by its template alone."""

OWN: Final = "it is an operation of Belay's own"


@dataclass(frozen=True)
class JudgedPlace:
    """Where an operation belongs: the outermost stack's id, and the stage that registers it."""

    root_id: str
    stage: Stage | None


@dataclass(frozen=True)
class Judge:
    """Checks operations.

    Belay's own execute the change set in the ledger's newest record of the stack, or one nested in it: a change set
    cannot be changed, and is executed once. ``every_stack`` checks unregistered stacks against the policies' defaults.
    ``undecided_holds`` says whether an undecided verdict stops the operation instead of warning.
    """

    operations: OperationRecords
    registrations: Registrations
    stacks: Stacks
    rules: TemplateRules
    fetch: Callable[[str], str]
    every_stack: bool
    undecided_holds: bool

    def answer(self, asked: Invocation, today: date) -> HookAnswer:
        """Return the result for an invocation. Raises any fault that keeps it from being checked."""
        if asked.target != STACK:
            return passed_over(f"its target is {asked.target}, and Belay's Hook is for {STACK}")
        if asked.deletes:
            return passed_over("a deletion opens nothing")
        place = self._place(asked)
        if place.stage is None and not self.every_stack:
            return passed_over("no stage registers this stack")
        return self._answer_about(asked, place, today)

    def _answer_about(self, asked: Invocation, place: JudgedPlace, today: date) -> HookAnswer:
        submitted = self.operations.submitted(place.root_id)
        if submitted and submitted.change_set_id == asked.change_set_id:
            return passed_over(OWN)
        change_set = self.stacks.describe_change_set(asked.change_set_id) if asked.change_set_id else None
        if submitted and change_set and submitted.change_set_id == change_set.root_change_set_id:
            return passed_over(OWN)
        template = self.fetch(asked.payload)
        if not template:
            return passed_over("it has no template")
        if submitted and not asked.change_set_id and _submits(submitted, template):
            return passed_over(OWN)
        answer = self._judged(asked, place.stage, template, change_set, today)
        if answer.holds and self._rolls_back(asked.stack_id):
            return passed_over("CloudFormation is rolling back to what was there")
        return answer

    def _place(self, asked: Invocation) -> JudgedPlace:
        """Find the stage of a stack, for a nested one that of its root.

        Raises ``InvalidRegistration`` or ``AwsFault`` if a registration that cannot be read may be the stack's.
        """
        read = self.registrations.read()
        # Of several stages that register a stack, the first.
        named = {
            registered.name: stage
            for stage in reversed(read.stages)
            if not stage.ephemeral and _lies_at(stage, asked)
            for registered in stage.stacks.values()
        }
        root_id = asked.stack_id
        if asked.stack_name not in named:
            description = self.stacks.describe_stack(asked.stack_id) or {}
            root_id = description.get("RootId") or asked.stack_id
        stage = named.get(name_of_stack(root_id))
        if stage is None:
            for fault in read.faults.values():
                raise fault
            if read.unreadable:
                raise InvalidRegistration([f"{name}: {'; '.join(why)}" for name, why in read.unreadable.items()])
        return JudgedPlace(root_id, stage)

    def _judged(
        self, asked: Invocation, stage: Stage | None, template: str, change_set: ChangeSet | None, today: date
    ) -> HookAnswer:
        settings = PolicySettings()
        if stage is not None:
            settings = PolicySettings.from_registration(stage.policies, stage.trusted_networks)
        values = _known_values(change_set)
        # Without a change set, an operation's parameter values are unknown.
        complete = change_set is not None and values.keys() == change_set.parameters.keys()
        path, text, given = asked.stack_name, _encoded(template), pseudo_parameters(asked.stack_id) | values
        try:
            report = check_template({path: text}, path, given, settings, today, defaults_apply=complete)
            report = report.merged(self.rules.report(path, text, given, settings, today))
        except UnreadableTemplate as error:
            return undecided(str(error), holds=self.undecided_holds)
        if change_set is not None:
            report = report.merged(check_change_set(change_set, settings, today, path=path))
        return of_report(report, undecided_holds=self.undecided_holds)

    def _rolls_back(self, stack_id: str) -> bool:
        """Whether the operation is an automatic rollback: no other one can begin meanwhile."""
        description = self.stacks.describe_stack(stack_id)
        return description is not None and StackStatus(description["StackStatus"]).rolling_back


def _lies_at(stage: Stage, asked: Invocation) -> bool:
    """Whether a stage is in the stack's account and region, as names may recur elsewhere; the Hook is at home."""
    return stage.account == asked.account if stage.place is None else stage.place.holds(asked.stack_id)


def _submits(submitted: Submitted, template: str) -> bool:
    """Whether a template is the one that Belay has just submitted."""
    recent = now() - datetime.fromisoformat(submitted.at) <= BEGINS_WITHIN
    return recent and sha256(_encoded(template)).hexdigest() in submitted.templates


def _encoded(template: str) -> bytes:
    """Return a template's bytes; anything that is not text stays unreadable."""
    return template.encode(errors="surrogatepass")


def _known_values(change_set: ChangeSet | None) -> dict[str, str]:
    """Return the parameter values that a change set shows: not NoEcho ones, nor previous ones not given."""
    given = change_set.parameters if change_set else {}
    return {name: value for name, value in given.items() if value not in ("", HIDDEN)}
