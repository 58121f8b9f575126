"""A sample approval request with every kind of content."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from belay.approval.request import ApprovalRequest
from belay.approval.seal import Seal, Sealed
from belay.database.executor import StoredDocument
from belay.database.instance import INSTANCE
from belay.policy.verdict import Finding, Report, Severity, Verdict
from belay.release.accepted import AcceptedRelease
from belay.release.change_plan import ChangePlan, ChangeState, PendingChange
from belay.release.manifest import Apply, SchemaRange
from belay.release.records import ReleaseReference
from belay.release.registration import Database, RegisteredExecutor
from belay.rollback.rehearsal import Check, Readiness, Rehearsal
from belay.sql.changes import Engine
from belay.stack.change_set import Change, ChangeSet, Detail
from belay.stack.plan import Progress, StackPlan, StagePlan

MANIFEST = f"""
application: orders
version: 1.2.0
description: Orders are kept for ten years, and the table is sharded by customer.
stacks:
  - {{name: network, template: network.yaml}}
  - {{name: service, template: service.yaml, parameters: {{Size: large}}}}
  - {{name: reports, template: reports.yaml, depends_on: [service]}}
database: {{changes: migrations, engine: postgresql, schema: {{from: "41", to: "43"}}}}
digests:
  network.yaml: {"0" * 64}
  service.yaml: {"1" * 64}
  reports.yaml: {"2" * 64}
  migrations/0042.sql: {"3" * 64}
  migrations/0043.sql: {"4" * 64}
"""
APPLICATION = (
    "stages: [test, production, archive]\ndefaults: {service_role: 'arn:aws:iam::111122223333:role/belay/orders'}"
)
STAGE = """
approval: {required: true, four_eyes: true}
databases: [{instance: orders-production}]
stacks: {network: {name: orders-network}, service: {name: orders-service}, reports: {name: orders-reports}}
"""
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def detail(name: str, before: str | None, after: str | None, **more: Any) -> Detail:
    given = {"attribute": "Properties", "requires_recreation": "Never", "evaluation": "Static", "path": None}
    return Detail(
        **{"change_source": "DirectModification", "causing_entity": None, **given, **more},
        name=name,
        before=before,
        after=after,
    )


CHANGES = (
    Change(
        "Alarm", "AWS::CloudWatch::Alarm", "Add", after='{"Properties":{"AlarmName":"orders-failed","Threshold":3}}'
    ),
    Change(
        "Cluster",
        "AWS::ECS::Service",
        "Modify",
        "False",
        "arn:aws:ecs:eu-west-1:111122223333:service/orders/orders",
        details=(detail("DesiredCount", "2", "4"), detail("TaskDefinition", "orders:17", "orders:18")),
    ),
    Change(
        "Orders",
        "AWS::DynamoDB::Table",
        "Modify",
        "True",
        "orders-production",
        policy_action="ReplaceAndDelete",
        details=(
            detail(
                "KeySchema",
                '[{"AttributeName":"id","KeyType":"HASH"}]',
                '[{"AttributeName":"customer","KeyType":"HASH"},{"AttributeName":"id","KeyType":"RANGE"}]',
                requires_recreation="Always",
            ),
            detail("AttributeDefinitions", None, '[{"AttributeName":"customer","AttributeType":"S"}]'),
        ),
    ),
    Change("OldQueue", "AWS::SQS::Queue", "Remove", physical_id="https://sqs.eu-west-1.amazonaws.com/1/old"),
)
NETWORK = (
    Change(
        "WebGroup",
        "AWS::EC2::SecurityGroup",
        "Modify",
        "Conditional",
        "sg-0c2f",
        details=(
            detail(
                "GroupDescription", "web", "web servers", requires_recreation="Conditionally", causing_entity="Name"
            ),
        ),
    ),
)


def change_set(stack: str, changes: tuple[Change, ...], **parameters: str) -> ChangeSet:
    """A change set that is ready."""
    return ChangeSet(
        f"stack/{stack}",
        f"orders-{stack}",
        f"set/{stack}",
        stack,
        "CREATE_COMPLETE",
        "AVAILABLE",
        None,
        parameters,
        {"Image": "ami-0123456789"} if parameters else {},
        changes,
    )


def finding(policy: str, message: str, **more: Any) -> Finding:
    """A finding that leaves something open."""
    given = {"verdict": Verdict.REVIEW, "severity": Severity.HIGH, "line": 41, "column": 7}
    return Finding(
        **{**given, **more},
        path="service.yaml",
        resource="WebGroup",
        policy=policy,
        property="SecurityGroupIngress[0].CidrIp",
        message=message,
        fix="Give it a value that can be read before the release runs.",
    )


REVIEW = finding("ssh-open", "Who may reach TCP 22 depends on a prefix list that cannot be read.")
WAIVED = finding("egress-world", "Everything may be reached.", waiver="accepted by jo until 2026-06-30: a proxy")
REHEARSAL = Rehearsal(
    (
        Check("baselines", Readiness.READY, "every stack's template and parameters are at hand"),
        Check("alarms", Readiness.NOT_KNOWN, "orders-failed has no data yet"),
    )
)


CHANGE_PLAN = ChangePlan(
    database=Database(INSTANCE, "orders-production"),
    executor=RegisteredExecutor("arn:aws:lambda:eu-west-1:111122223333:function:change", "orders"),
    engine=Engine.POSTGRESQL,
    stored=StoredDocument("artifacts", "attempts/orders/a/production/changes.json", "v1", "5" * 64),
    schema_range=SchemaRange("41", "43"),
    apply=Apply("before", "service"),
    pending=(
        PendingChange("0042", "", "migrations/0042.sql", 0, "3" * 64, undo=True),
        PendingChange("0043", "", "migrations/0043.sql", 1, "4" * 64, only_here=True),
    ),
    remarks=("0040 was applied by 1.1.0 and is not in this release",),
    state=ChangeState.PLANNED,
)


def request(**changed: Any) -> ApprovalRequest:
    """The approval with changes to its sealed or its other contents."""
    sealed = Sealed(
        release=ReleaseReference("orders", "1.2.0", "d" * 64, "a" * 12),
        accepted=AcceptedRelease.of(
            "orders",
            changed.pop("manifest", MANIFEST),
            APPLICATION,
            {"production": changed.pop("stage", STAGE)},
            {"network.yaml": {}, "service.yaml": {"Size": False}, "reports.yaml": {}},
        ),
        stage="production",
        artifact_bucket="artifacts",
        files={},
        static=Report((REVIEW, WAIVED), (("service.yaml", ("ssh-open", "egress-world", "rdp-open")),)),
        plan=StagePlan(
            (
                StackPlan("network", "orders-network", progress=Progress.PLANNED, change_set_id="set/network"),
                StackPlan("service", "orders-service", progress=Progress.PLANNED, change_set_id="set/service"),
                StackPlan("reports", "orders-reports", ("service",)),
            )
        ),
        change_sets={
            "network": change_set("network", NETWORK),
            "service": change_set("service", CHANGES, Size="large", Password="****", Image="/orders/image"),
        },
        reports={"network": Report((), (("network", ("stateful-deletion",)),))},
    )
    of_seal = {name: changed.pop(name) for name in [*changed] if name in Sealed.__dataclass_fields__}
    sealed = replace(sealed, **of_seal)
    known = {"replaces": "1.1.3", "others": ("1.3.0 (CHECKED)",), "rehearsal": REHEARSAL, **changed}
    return ApprovalRequest(
        sealed=sealed, seal=Seal.of(sealed), asked_at=NOW, expires_at=NOW + timedelta(days=7), **known
    )
