"""Gathering everything that a stage's approval is bound to."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date

from belay.approval.seal import Seal, Sealed
from belay.aws.cloudformation import Stacks
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.errors import UnreadableTemplate
from belay.policy.change_sets import check_change_set
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.template.dynamic_references import texts, unversioned
from belay.template.loader import load


def sealed_now(files: StageFiles, stacks: Stacks, today: date) -> Sealed:
    """Gather everything that the approval of a release in a stage is bound to, given its files there."""
    return gathered(files.run, stacks, today, files.versions())


def gathered(run: StageContext, stacks: Stacks, today: date, files: Mapping[str, str]) -> Sealed:
    """Gather what is planned in a stage, with the versions of the release's ``files`` that an approval is bound to."""
    plan = run.plan()
    made = {stack.stack: stack.change_set_id for stack in plan.stacks if stack.change_set_id is not None}
    change_sets = {stack: stacks.describe_change_set(change_set) for stack, change_set in made.items()}
    policies = PolicySettings.from_registration(run.stage.policies, run.stage.trusted_networks)
    return Sealed(
        release=run.release,
        accepted=run.accepted,
        stage=run.stage.name,
        artifact_bucket=run.artifacts.name,
        files=files,
        static=run.artifacts.read(run.release.stage_key(run.stage.name, "static-report.json"), Report.from_json),
        plan=plan,
        database_changes=run.change_plan(),
        forecast=run.database_forecast(),
        change_sets=change_sets,
        reports={
            stack: check_change_set(change_set, policies, today, path=stack)
            for stack, change_set in change_sets.items()
            if change_set is not None
        },
    )


def looked_up(run: StageContext, static: Report) -> list[str]:
    """List what CloudFormation resolves itself, in an unsealed version, each with its location.

    ``static`` is the static gate's report, which names the templates that were read, including nested ones, and the
    files of database changes, which are not templates.
    """
    files = run.files
    places: dict[str, tuple[str, ...]] = {}
    for path in dict.fromkeys((*run.accepted.declared, *static.paths)):
        with suppress(UnreadableTemplate):  # A template that cannot be read was refused by the gate.
            if path in files:
                places[path] = unversioned(texts(load(files[path], path)))
    for stack in run.accepted.manifest.stacks:
        places[f"the parameters of {stack.name}"] = unversioned(run.parameters(stack).values())
    return [f"{place}: {reference}" for place, found in places.items() for reference in found]


def broken_since_approval(files: StageFiles, stacks: Stacks, today: date) -> str | None:
    """Say which part of what was approved has changed, or that there is no approval; None if nothing has changed."""
    run = files.run
    approval = run.ledger.approvals.asked_of(run.release, run.stage.name)
    answer = None if approval is None else approval.answer
    if approval is None or answer is None or answer.word != "approve":
        return "this release continued without a recorded approval of a person"
    found = Seal.of(sealed_now(files, stacks, today))
    changed = approval.seal.broken_by(found)
    if not changed and found.digest == answer.seal:
        return None
    parts = "; ".join(changed) or "the seal itself"
    return f"what would be deployed is no longer what {answer.by} approved. Changed since then: {parts}"
