"""At least one message of every kind, as used by this room's tests."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from belay.notify.approvals import approval_requested
from belay.notify.deployment import Deployment
from belay.notify.findings import findings_appeared, findings_gone
from belay.notify.incidents import (
    foreign_stack_failed,
    healthy_again,
    incident_acknowledged,
    incident_closed,
    person_needed,
    recovery_started,
)
from belay.notify.message import Urgency, with_credentials
from belay.notify.pipelines import pipeline_failed, pipeline_notice, pipeline_recovered
from belay.notify.registrations import registration_corrected, registration_unreadable, stacks_shared
from belay.notify.releases import asked_rollback_ended, deployment_started, release_ended, release_held, stage_ended
from belay.notify.vaults import vault_copied, vault_copy_failing, vault_copy_given_up
from belay.policy.verdict import Finding, Severity, Verdict
from belay.release.left_to_do import Choice, LeftToDo
from belay.release.origin import Origin
from belay.release.place import AccountRegion
from belay.release.reason import (
    Fault,
    FoundInStages,
    PersonDecided,
    PipelineFailure,
    PolicyFindings,
    ReleaseProblems,
    StackFailure,
    StageEnd,
    Statement,
    WaveEnd,
    Why,
)
from belay.release.records import Outcome
from belay.release.vault import Vault
from belay.release.vault_copy import VaultCopy
from belay.stack.cause import Cause

ANN = "arn:aws:iam::111122223333:user/ann"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:belay"
STACK_ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service-production/6a7e8fe0"
STACK_ELSEWHERE = "arn:aws:cloudformation:eu-central-1:111111111111:stack/orders-service-production/6a7e8fe0"
EXECUTION = "arn:aws:states:eu-west-1:111122223333:execution:belay-deploy-release:orders-1-3-0"
STOPPED = PersonDecided(ANN, "stopped it", "stop it")
THREAD = Origin("orders", "1.3.0", "0f1e2d3c4b5a").thread
ORDERS = Deployment("orders", "1.3.0", "production", EXECUTION, THREAD)
INCIDENT = "orders-production-0f1e2d3c4b5a"
ASKED = Deployment("orders", "1.3.0", "production", thread="orders-9c1d2e3f4a5b")
CAUSE = Cause(
    path=("Tasks", "Service"),
    resource_type="AWS::ECS::Service",
    status="UPDATE_FAILED",
    reason="Resource handler returned message: ECS Deployment Circuit Breaker was triggered (HandlerErrorCode: 1)",
    time=datetime(2026, 3, 2, 9, 23, 11, tzinfo=UTC),
    stack_id=STACK_ID,
)
COPY = VaultCopy(
    Origin("orders", "1.3.0", "0f1e2d3c4b5a"),
    "production",
    kind="instance",
    database="orders-production",
    name="belay-orders-production-1-3-0-orders-production-0f1e2d3c4b5a",
    source="arn:aws:rds:eu-central-1:111111111111:snapshot:belay-orders-production-1-3-0-orders-production-0f1e2d3c4b5a",
    gibibytes=200,
    execution=EXECUTION,
    vault=Vault("aws", "222222222222", "eu-west-1"),
    topic=None,
    since=datetime(2026, 3, 2, 9, 20, tzinfo=UTC),
)
FAILED = StackFailure(STACK_ID, "UPDATE_ROLLBACK_IN_PROGRESS", CAUSE)
SSH = Finding(
    "templates/network.yaml",
    "BastionGroup",
    "ssh-open",
    Verdict.FAIL,
    Severity.CRITICAL,
    41,
    9,
    "Properties.SecurityGroupIngress[0].CidrIp",
    "SSH is reachable from the whole Internet: TCP 22 from 0.0.0.0/0.",
    "Allow only a bastion or a VPN's network.",
)
SSH_LIVE = replace(SSH, path="production", resource="sg-0c2f", line=0, column=0, property="IpPermissions[3]")

APPROVAL: Mapping[str, Any] = {
    "what": "orders 1.3.0 is ready to deploy to production and would delete 1, add 2 of its resources. "
    "DATA MAY BE LOST. production runs 1.2.4.",
    "until": "2026-03-09 12:00 UTC",
    "changes": [
        "service: DELETES Orders (AWS::DynamoDB::Table); ITS DATA IS LOST",
        "service: adds Alarm (AWS::CloudWatch::Alarm)",
        "reports: its changes are known only after service is deployed",
    ],
    "more": {
        "Policies": [
            "REVIEW for the templates, PASS for the change sets",
            "REVIEW, for you to decide: network.yaml:41 Web: ssh-open: Who may reach TCP 22 is not known.",
        ],
        "Databases": ["the release declares no database changes"],
        "Rollback": ["Rollback ready. Checked: baselines, alarms."],
        "What it costs to wait": ["nothing is locked before the approval", "no other release is on its way"],
    },
    "answers": [
        LeftToDo("", "Approve", then="belay approve orders/1.3.0 --stage production"),
        LeftToDo("", "Reject", then="belay reject orders/1.3.0 --stage production --comment WHY"),
    ],
    "report": "belay show orders/1.3.0 --report",
}

PIPELINE: dict[str, Any] = {
    "pipeline": "orders-pipeline",
    "execution": "12345678-1234-5678-abcd-12345678abcd",
    "thread": THREAD,
}
BUILD = PipelineFailure(
    "Build/Test: in the build of orders, the phase BUILD is FAILED: COMMAND_EXECUTION_ERROR: exit status 127",
    evidence=("/codebuild/output/tmp/script.sh: line 4: sam: command not found",),
    fix="Install the program in the buildspec's install phase.",
    link="https://docs.aws.amazon.com/",
    look=("aws codebuild batch-get-builds --ids orders:8745a7a9",),
)
DEPLOYMENT = PipelineFailure(
    "Deploy/Service: in the stack orders-service-production, Service could not be updated: no steady state"
)

MESSAGES = {
    "started": deployment_started(
        ORDERS,
        changes=[
            "network (orders-network-production):",
            "  REPLACES Subnet (AWS::EC2::Subnet): CidrBlock",
            "service: no change",
        ],
        replaces={"production": "1.2.0"},
        through=(("test",), ("production",)),
    ),
    "started_first": deployment_started(
        ORDERS, changes=["stack network: new, from templates/network.yaml"], replaces={"production": None}
    ),
    "started_together": deployment_started(
        ORDERS,
        changes=["stack network: new template (templates/network.yaml)"],
        replaces={"eu": "1.2.0", "us": "1.1.0", "production": None},
        through=(("test",), ("eu", "us", "production")),
    ),
    "deployed_together": release_ended(
        Outcome.DEPLOYED, ORDERS, runs_now="1.3.0, us runs 1.3.0", together=["us", "production"]
    ),
    "held": release_held(
        Deployment("orders", "orders-1.3.0.zip", None, EXECUTION, THREAD),
        why="releases are paused",
        until="when `belay resume` ends the pause",
    ),
    "recovery_started": recovery_started(
        ORDERS,
        reason=StackFailure(STACK_ID, "UPDATE_ROLLBACK_IN_PROGRESS", said="no capacity"),
        steps=["service: wait", "network: update"],
    ),
    "deployed": release_ended(
        Outcome.DEPLOYED,
        ORDERS,
        runs_now="1.3.0",
        changed=["network (orders-network-production):", "  modifies Subnet (AWS::EC2::Subnet): Tags"],
        approvals=["production: approved by arn:aws:iam::111122223333:user/jo: looks right"],
    ),
    "rejected": release_ended(
        Outcome.REJECTED,
        Deployment("orders", "1.1.0"),
        what="The release was refused by the static gate, before anything was changed.",
        reason=PolicyFindings(
            (FoundInStages(SSH, ("production", "test")), FoundInStages(replace(SSH, verdict=Verdict.REVIEW)))
        ),
    ),
    "rejected_with_problems": release_ended(
        Outcome.REJECTED,
        Deployment("orders", "1.1.0", None, EXECUTION),
        reason=ReleaseProblems(
            ("release.yaml: stacks.0.template: x.yaml is not in the archive", "release.yaml: unknown key 'colour'")
        ),
    ),
    "aborted": release_ended(
        Outcome.ABORTED, ORDERS, reason=Statement(Why.SUPERSEDED, "superseded by 1.4.0"), runs_now="1.2.0"
    ),
    "stopped_by_a_person": recovery_started(
        ORDERS, reason=STOPPED, steps=["1. service: wait until CloudFormation has finished"]
    ),
    "rolled_back_by_a_person": release_ended(Outcome.ROLLED_BACK, ORDERS, reason=STOPPED, runs_now="1.2.0"),
    "rolled_back": release_ended(
        Outcome.ROLLED_BACK,
        ORDERS,
        reason=FAILED,
        done=[
            "service: wait until CloudFormation has finished, the stack is UPDATE_ROLLBACK_IN_PROGRESS",
            "network: update the stack back to version 1.2.0, with its earlier template and parameters",
        ],
        runs_now="1.2.0",
    ),
    "rolled_back_elsewhere": with_credentials(
        release_ended(
            Outcome.ROLLED_BACK,
            ORDERS,
            reason=StackFailure(STACK_ELSEWHERE, "UPDATE_ROLLBACK_COMPLETE", replace(CAUSE, stack_id=STACK_ELSEWHERE)),
            runs_now="1.2.0",
        ),
        [AccountRegion.of(STACK_ELSEWHERE)],
        "111122223333",
    ),
    "stage_of_a_wave": stage_ended(
        Outcome.ROLLED_BACK, ORDERS, reason=FAILED, done=["service: waited"], runs_now="1.2.0", others=["us"]
    ),
    "stage_that_takes_its_wave_back": stage_ended(Outcome.ROLLED_BACK, ORDERS, reason=FAILED, runs_now="1.2.0"),
    "wave": release_ended(
        Outcome.ROLLED_BACK,
        ORDERS,
        reason=WaveEnd((StageEnd("production", Outcome.ROLLED_BACK, FAILED), StageEnd("us", Outcome.DEPLOYED))),
        runs_now="1.2.0, us runs 1.3.0",
    ),
    "wave_refused": release_ended(
        Outcome.REJECTED,
        ORDERS,
        reason=WaveEnd(
            (
                StageEnd("production", Outcome.REJECTED, PolicyFindings((FoundInStages(SSH),))),
                StageEnd("us", Outcome.DEPLOYED),
            )
        ),
        runs_now="1.2.0, us runs 1.3.0",
    ),
    "needs_operator": release_ended(
        Outcome.NEEDS_OPERATOR,
        ORDERS,
        reason=FAILED,
        done=["service: continue the failed rollback, without skipping any resource"],
        left_to_do=[
            LeftToDo(
                "service",
                "decide how its rollback ends",
                "continuing its rollback was tried 2 times, and it is still UPDATE_ROLLBACK_FAILED.",
                look="aws cloudformation describe-stack-events --stack-name orders-service-production",
                choices=(
                    Choice(
                        "fix the cause, then continue the rollback",
                        "nothing is lost",
                        "aws cloudformation continue-update-rollback --stack-name orders-service-production",
                    ),
                    Choice("leave it", "nothing is lost, but no release can update the stack until then"),
                ),
            )
        ],
    ),
    "asked_rollback": asked_rollback_ended(
        Outcome.ROLLED_BACK,
        ASKED,
        target="1.2.0",
        reason=PersonDecided(ANN, "requested a rollback from 1.3.0 to 1.2.0", "too slow"),
        done=["service: bring the stack back, with its earlier template and parameters"],
    ),
    "asked_rollback_left": asked_rollback_ended(
        Outcome.NEEDS_OPERATOR,
        ASKED,
        target=None,
        reason=PersonDecided(ANN, "requested a rollback from 1.3.0, where nothing was before"),
        left_to_do=[LeftToDo("database", "save what you need, then delete the stack", "it holds data.")],
    ),
    "needs_operator_unknown": release_ended(
        Outcome.NEEDS_OPERATOR, ORDERS, reason=Fault("AccessDenied", "no permission")
    ),
    "person_needed": person_needed(
        ORDERS,
        why="The database cannot be restored by itself: it has two read replicas.",
        left_to_do=[LeftToDo("orders-db", "decide what becomes of orders-replica-1 and orders-replica-2")],
    ),
    "held_window": release_held(
        ORDERS,
        why="there is a freeze until 2027-01-07 08:00 (Europe/Berlin): year-end closing",
        until="at 2027-01-07 08:00 (Europe/Berlin)",
        let_through="belay override orders/1.3.0 --stage production --comment WHY",
    ),
    "approval": approval_requested(ORDERS, **APPROVAL),
    "approval_reminder": approval_requested(ORDERS, **APPROVAL, reminder=True),
    "findings_appeared": findings_appeared(
        ORDERS,
        findings=[SSH_LIVE],
        known=2,
        grave=True,
        seen_at="2026-03-02T12:00:00.000+00:00",
    ),
    "findings_gone": findings_gone(
        ORDERS,
        gone=[SSH_LIVE],
        left=0,
        seen_at="2026-03-03T12:00:00.000+00:00",
    ),
    "registration_unreadable": registration_unreadable(
        "orders",
        "production",
        parameter="/belay/applications/orders/production",
        problems=[
            "stage orders/production: stacks.service.name: expected the name of a CloudFormation stack, found 7",
            "stage orders/production: approval.expires_after_days: expected a whole number from 1 to 90, found 0",
        ],
        since="2026-03-02T12:00:00.000+00:00",
    ),
    "vault_copy_failing": vault_copy_failing(
        COPY, "RDS.CopyDBSnapshot answered KMSKeyNotAccessibleFault: the key is not accessible"
    ),
    "vault_copy_given_up": vault_copy_given_up(COPY, "it is being made since 2026-03-02 09:20 UTC"),
    "vault_copied": vault_copied(COPY),
    "vault_copy_of_a_pipeline": vault_copy_given_up(
        replace(
            COPY,
            origin=Origin("orders", "12345678-1234-5678-abcd-12345678abcd", "1f2e3d4c5b6a"),
            pipeline="orders-pipeline",
        ),
        "RDS.CopyDBSnapshot answered KMSKeyNotAccessibleFault: the key is not accessible",
    ),
    "stacks_shared": stacks_shared(
        "billing",
        "production",
        parameter="/belay/applications/billing/production",
        problems=["the stack 'orders-network' is registered for orders/production, too, and belongs to it"],
        since="2026-03-02T12:00:00.000+00:00",
    ),
    "registration_corrected": registration_corrected(
        "orders", "", parameter="/belay/applications/orders", since="2026-03-02T12:00:00.000+00:00"
    ),
    "healthy_again": healthy_again(
        "orders",
        "production",
        incident="orders-service-production-0a1b",
        thread="orders-service-production-0a1b",
        stacks=["orders-service-production is UPDATE_ROLLBACK_COMPLETE"],
    ),
    "healthy_again_more_left": healthy_again(
        "orders",
        "production",
        incident=INCIDENT,
        thread=THREAD,
        stacks=["orders-service-production is UPDATE_ROLLBACK_COMPLETE"],
        version="1.3.0",
        more=True,
    ),
    "acknowledged": incident_acknowledged(
        replace(ORDERS, execution_arn=None),
        INCIDENT,
        by=ANN,
        at="2026-03-02T09:30:00.000+00:00",
        comment="waiting for the provider",
    ),
    "closed_by_a_person": incident_closed(ORDERS, INCIDENT, by=ANN, why="restored by hand"),
    "closed_while_mixed": incident_closed(
        ORDERS,
        INCIDENT,
        by=ANN,
        why="the rest is with the next release",
        mixed="1.2.0, but service (orders-service-production) was not brought back from 1.3.0",
    ),
    "foreign_recovered": foreign_stack_failed(
        "orders",
        "production",
        stack="service",
        stack_id=STACK_ID,
        status="UPDATE_ROLLBACK_COMPLETE",
        reason=FAILED,
        done=["service: continue the failed rollback, without skipping any resource"],
    ),
    "foreign_left": foreign_stack_failed(
        "orders",
        "production",
        stack="service",
        stack_id=STACK_ID,
        status="UPDATE_FAILED",
        reason=FAILED,
        left_to_do=[
            LeftToDo(
                "service", "bring it to a stable status", "an operation that Belay did not start left it UPDATE_FAILED."
            )
        ],
    ),
    "pipeline_failed": pipeline_failed("orders", "production", **PIPELINE, failure="47f821c5", reason=BUILD),
    "pipeline_failed_deploying": pipeline_failed(
        "orders", "production", **PIPELINE, failure="9a1b", reason=DEPLOYMENT, taken_back=["network", "service"]
    ),
    "pipeline_failed_rolling_back": pipeline_failed(
        "orders", "production", **PIPELINE, failure="9a1c", reason=DEPLOYMENT, by_codepipeline=True
    ),
    "pipeline_recovered": pipeline_recovered(
        "orders",
        "production",
        **PIPELINE,
        incident="orders-production-0f1e2d3c4b5a-5d41ab",
        outcome=Outcome.ROLLED_BACK,
        reason=DEPLOYMENT,
        done=["service: bring the stack back, with its earlier template and parameters"],
    ),
    "pipeline_left": pipeline_recovered(
        "orders",
        "production",
        **PIPELINE,
        incident="orders-production-0f1e2d3c4b5a-77aa01",
        outcome=Outcome.NEEDS_OPERATOR,
        reason=DEPLOYMENT,
        left_to_do=[
            LeftToDo(
                "service",
                "finish its rollback manually",
                "the release changed it, and there is no record of its earlier state.",
            )
        ],
    ),
    "pipeline_notice": pipeline_notice(
        "orders",
        "production",
        text="The source version 3sL4kqtJlcpXroDTDmJ is in production.",
        urgency=Urgency.INFO,
        job="11111111-abcd-1111-abcd-111111abcdef",
        execution="12345678-1234-5678-abcd-12345678abcd",
    ),
}
