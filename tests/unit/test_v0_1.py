"""What commit 8deb935 wrote can be read, and keeps its meaning."""

from collections.abc import Callable
from typing import Any

import pytest
import v0_1

from belay.approval.request import ApprovalText
from belay.approval.seal import Seal, Sealed
from belay.errors import InvalidRegistration, UnknownSchema
from belay.policy.verdict import Report, Verdict
from belay.release import accepted
from belay.release.accepted import AcceptedRelease
from belay.release.manifest import SchemaRange
from belay.release.records import ReleaseReference
from belay.release.registration import RegisteredStack
from belay.release.verification import Verification, Verified
from belay.rollback.plan import Action, Kind, RollbackPlan
from belay.rollback.rehearsal import Readiness, Rehearsal
from belay.stack.baseline import Baseline
from belay.stack.plan import Progress, StagePlan
from belay.stack.status import StackStatus

READERS: dict[str, Callable[[Any], Any]] = {
    "approval": ApprovalText.from_dict,
    "live_report": Report.from_json,
    "plan_executed": StagePlan.from_dict,
    "plan_first_wave": StagePlan.from_dict,
    "plan_planned": StagePlan.from_dict,
    "rehearsal": Rehearsal.from_dict,
    "release": AcceptedRelease.from_dict,
    "rollback": RollbackPlan.from_dict,
    "seal": Seal.from_dict,
    "static_report": Report.from_json,
    "verification": Verification.from_dict,
}


def kept(name: str) -> Any:
    return READERS[name](v0_1.document(name))


def test_there_is_an_item_of_every_kind() -> None:
    assert {"release", "upload", "incident", "decision", "operation", "approval", "hold", "lock"} <= set(v0_1.KINDS)
    keys = [(each["PK"], each["SK"]) for each in v0_1.all_items()]
    assert len(keys) == len(set(keys)) > len(v0_1.KINDS)


def test_sets_come_back_as_sets() -> None:
    assert v0_1.item("thread", "THREAD#orders-0123456789ab", "MESSAGES")["told"] == {"started"}


@pytest.mark.parametrize("name", v0_1.DOCUMENTS)
def test_every_document_is_read_and_of_this_schema_once_it_is_written_again(name: str) -> None:
    assert "schema" not in v0_1.document(name)
    again = kept(name).to_json() if isinstance(kept(name), Report) else kept(name).to_dict()
    assert again["schema"] == 2
    assert READERS[name](again) == kept(name)


@pytest.mark.parametrize("name", v0_1.DOCUMENTS)
def test_a_newer_document_is_refused(name: str) -> None:
    with pytest.raises(UnknownSchema, match="has schema 3"):
        READERS[name]({**v0_1.document(name), "schema": 3})


def test_plans_say_how_far_each_stack_had_come() -> None:
    assert [(each.stack, each.progress) for each in kept("plan_executed").stacks] == [
        ("network", Progress.UNCHANGED),
        ("service", Progress.EXECUTED),
    ]
    assert [each.progress for each in kept("plan_planned").stacks] == [Progress.UNCHANGED, Progress.PLANNED]
    network, service = kept("plan_first_wave").stacks
    assert (network.progress, service.progress) == (Progress.EXECUTED, Progress.WAITING)
    assert (service.depends_on, network.creates, network.generation) == (("network",), True, 1)
    assert network.token == v0_1.document("plan_first_wave")["stacks"][0]["token"]


def test_an_accepted_release_is_what_was_registered_and_declared_then() -> None:
    release = kept("release")
    assert str(release.manifest.version) == "1.4.1"
    assert release.application.stages == ("test", "production")
    production = release.stages["production"]
    assert production.approval.required
    assert isinstance(production.stacks["network"], RegisteredStack)
    assert (release.stages["test"].ephemeral, production.ephemeral) == (True, False)


def test_a_release_without_an_engine_of_its_database_changes_is_read() -> None:
    """And what it says about them that is no longer used is ignored."""
    found = v0_1.document("release")
    text = str(found["manifest_text"]).replace("  schema:", "  unknown: 1\n  schema:")
    changes = AcceptedRelease.from_dict({**found, "manifest_text": text}).manifest.database
    assert changes is not None
    assert (changes.changes, changes.engine, changes.schema) == ("database/changes", None, SchemaRange("3", "4"))


def test_what_was_accepted_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def stricter(*given: object) -> None:
        raise InvalidRegistration(["what was accepted before is refused today"])

    document = kept("release").to_dict()
    for name in ("parse_manifest", "parse_application", "parse_stage"):
        monkeypatch.setattr(accepted, name, stricter)
    assert AcceptedRelease.from_dict(document).stages["production"].approval.required


def test_reports_and_the_rehearsal_have_their_verdicts() -> None:
    assert kept("static_report").verdict is Verdict(v0_1.document("static_report")["verdict"])
    assert kept("live_report").verdict is Verdict.PASS
    assert kept("live_report").summary() == v0_1.document("live_report")["summary"]
    assert kept("rehearsal").readiness is Readiness.READY
    assert kept("verification").verdict is Verified.PASS


def test_a_rollback_plan_has_its_steps() -> None:
    plan = kept("rollback")
    assert plan.to_dict()["outcome_if_done"] == v0_1.document("rollback")["outcome_if_done"]
    assert {step.kind for step in plan.steps} == {Kind.DATABASE, Kind.SERVICE, Kind.STAGE}
    assert Action.RENAME_RESTORED in [step.action for step in plan.steps]


def test_a_seal_is_the_same_for_what_was_kept_then() -> None:
    documents = v0_1.waiting_documents()
    approval = next(each for each in v0_1.waiting_items() if each["SK"].startswith("APPROVAL#"))
    record = next(each for each in v0_1.waiting_items() if each["SK"].startswith("RELEASE#") and "digest" in each)
    release = ReleaseReference.from_dict(record)
    of_stage = {name: documents[release.stage_key("production", name)] for name in ("plan.json", "static-report.json")}
    sealed = Sealed(
        release=release,
        accepted=AcceptedRelease.from_dict(documents[release.document_key]),
        stage="production",
        artifact_bucket="belay-demo-artifactbucket-f16a9fec1ed4c",
        files={},
        static=Report.from_json(of_stage["static-report.json"]),
        plan=StagePlan.from_dict(of_stage["plan.json"]),
        change_sets={},
        reports={
            each.stack: Report.from_json(each.report)
            for each in StagePlan.from_dict(of_stage["plan.json"]).stacks
            if each.report is not None
        },
    )
    asked = Seal.from_dict(approval["seal"])
    assert asked.digest == approval["seal"]["digest"] == kept("seal").digest
    assert set(asked.broken_by(Seal.of(sealed))) == {
        "the release's files",
        "the change set of service",
    }


def test_baselines_are_stacks_as_they_were() -> None:
    found = {each["SK"]: Baseline.from_dict(each["baseline"]) for each in v0_1.items("baseline")}
    assert {each.existed for each in found.values()} == {True, False}
    hidden = [each for each in found.values() if each.hidden]
    assert [(each.hidden, each.status, each.capabilities) for each in hidden] == [
        (("DatabasePassword",), StackStatus.UPDATE_COMPLETE, ("CAPABILITY_IAM",))
    ]
    with pytest.raises(UnknownSchema, match="the baseline of locks-network has schema 3"):
        Baseline.from_dict({**hidden[0].to_dict(), "schema": 3})
