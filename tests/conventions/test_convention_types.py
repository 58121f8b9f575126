"""What flows through the rooms is typed: an untyped map is used only where JSON or an AWS shape is read or written."""

import ast
import re
from collections.abc import Iterator

from project import layer_modules, parsed

ROOMS = ("control", "rollback", "release", "notify", "approval", "database", "sql", "subject", "pipeline", "stack")

UNTYPED = re.compile(r"\b(?:[Mm]utable)?(?:Mapping|[Dd]ict)(?:\[str, (?:Any|object)\]|(?!\w|\[))|\bDocument\b")
"""Including its aliases. ``Description`` is AWS's of a database or a snapshot (``database.kind``)."""

DOCUMENTS = """
approval.request._with_answers_by_name database.executor.written database.forecast.from_dict database.forecast.to_dict
database.snapshots.from_dict database.snapshots.to_dict release.accepted._in_waves release.accepted._parsed
release.change_plan.sealed release.document._key release.verification._noted_by_checks
sql.model.from_json sql.model.to_json stack.baseline.from_dict stack.baseline.to_dict
stack.plan.from_dict stack.plan.to_dict stack.values.from_dict stack.values.to_dict
subject.incident._of_0_1 subject.incident.from_dict subject.incident.to_dict
approval.asked.from_dict approval.forecast_report._change approval.forecast_report.to_json
approval.request.from_dict approval.request.to_dict
approval.seal._change_set approval.seal._parts approval.seal._verdicts approval.seal.from_dict
approval.seal.to_dict approval.stage_preview.from_dict approval.stage_preview.to_dict
control.stage_forecast._get
control.stage_forecast._put release.accepted.from_dict release.accepted.to_dict
release.change_plan.from_dict release.change_plan.to_dict
release.reason.from_document release.reason.kept_as release.reason.to_dict
release.records.from_dict rollback.noted._verification_apart rollback.noted.from_dict
rollback.noted.to_dict release.verification.from_dict release.verification.to_dict rollback.plan.from_dict
rollback.plan.to_dict rollback.rehearsal.from_dict rollback.rehearsal.to_dict rollback.taken.from_dict
rollback.taken.to_dict
"""
"""Documents of the artifact bucket and of the ledger."""

MESSAGES = """
notify.chat._description notify.chat._notification
notify.chat._steps notify.lines.bounded_documents notify.message._documents
notify.publication._body notify.publication.publish_arguments notify.told._cause
notify.told._of_stack notify.told.cause_document notify.told.cause_lines notify.told.finding_document
notify.told.todo_document
"""
"""The JSON of messages, by docs/message.schema.json."""

MACHINES = """
control.held_uploads.hold control.reasons.read_reason control.recovery.enter control.recovery.step
control.stage.enter control.sweep.run
control.unfinished.take_up_execution release.reason._document release.reason._execution_ended
release.reason._stopped_execution release.reason.caught
"""
"""The state machines' inputs and results."""

FUNCTIONS = """
control.asked_rollbacks.take control.checks.alarms.look control.checks.live_groups.look
control.checks.verify_function.look control.retention.clean control.retention._cleaned
release.verification.answer_checked release.verification.answer_due release.verification.question
"""
"""The JSON requests and responses of functions: the rollback's URL, the verify function, the daily cleaning."""

AWS = """
database.command_line.call_command database.copy._parameters database.fields.create_parameters
database.fields.modify_parameters database.fields.of_snapshot database.restore.modify
pipeline.actions._execution pipeline.actions._refuse_others pipeline.actions._registered
pipeline.actions._required_stage pipeline.actions._text pipeline.actions._texts pipeline.actions.notify_action
pipeline.actions.rollback_action pipeline.actions.snapshot_action pipeline.actions.stack_action
pipeline.actions.template_action pipeline.diagnosis._failed_event pipeline.diagnosis._of_build
pipeline.diagnosis._of_deployment pipeline.execution._action pipeline.execution.read_execution pipeline.hint.hint_of
pipeline.job._parameters pipeline.job.job_id pipeline.job.parse_job pipeline.reaction.rolls_back_by_itself
pipeline.run.rollback_target pipeline.source._source_action pipeline.source.pinned
pipeline.source.refuse_invoke_actions release.table_values.text_of
stack.baseline.baseline_of stack.baseline.matches stack.baseline.update_parameters stack.cause.was_cancelled
stack.change_set._change stack.change_set._change_effect stack.change_set._detail stack.change_set._effect
stack.change_set._sorted stack.change_set.parse_change_set stack.outputs.outputs_of stack.resource._walked
stack.resource.resources_of stack.stuck.differences_in_words stack.validation._in_words stack.validation._property
stack.validation.with_events
control.pipeline_runs._asked_to_roll_back control.recovered_services._begun control.recovered_services._deployment
control.recovered_services._scaling control.recovered_stacks._at_baseline
control.recovered_stacks._change_sets_of_shell control.recovered_stacks._described control.recovered_stacks._outputs
control.recovered_stacks._kept
control.recovered_stacks._matches control.recovered_stacks._put_back control.recovered_stacks._values_differ
control.stage_change_sets._request release.verification.rollback_triggers rollback.database_steps.modify
rollback.steps._shown rollback.services._named rollback.services._step rollback.services._target rollback.steps._step
release.trust.distrust release.trust._conditions release.trust._principal
"""
"""AWS's own requests and descriptions."""


def untyped() -> Iterator[str]:
    """The functions of those rooms that take or return an untyped map, as ``room.module.function``."""
    for name, path in layer_modules().items():
        if name.split(".")[1] in ROOMS:
            nodes = list(ast.walk(parsed(path)))
            imports = {each.module for each in nodes if isinstance(each, ast.ImportFrom)}
            typed = {"Document"} if "belay.template.nodes" in imports else set()  # a template is one
            for node in nodes:
                if isinstance(node, ast.FunctionDef) and any(found_in(each) - typed for each in _annotations(node)):
                    yield f"{name.removeprefix('belay.')}.{node.name}"


def _annotations(node: ast.FunctionDef) -> Iterator[ast.expr]:
    given = node.args
    arguments = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
    yield from (each.annotation for each in arguments if each is not None and each.annotation is not None)
    if node.returns is not None:
        yield node.returns


def found_in(annotation: ast.expr) -> set[str]:
    """The untyped maps in an annotation."""
    return set(UNTYPED.findall(ast.unparse(annotation)))


def test_an_untyped_map_stands_only_where_json_is_read_or_written() -> None:
    listed = {name for places in (DOCUMENTS, MESSAGES, MACHINES, FUNCTIONS, AWS) for name in places.split()}
    found = set(untyped())
    assert found - listed == set(), "give these a type, or say which JSON they read or write"
    assert listed - found == set(), "these have types now: take them off the list"
