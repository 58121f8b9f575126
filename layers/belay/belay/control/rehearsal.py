"""Rehearsing a rollback: checking everything it would depend on, before anything is changed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from belay.aws.cloudformation import Stacks
from belay.aws.cloudwatch import Alarms
from belay.aws.ecs import Services
from belay.aws.iam import Roles
from belay.aws.rds import Databases
from belay.aws.verify_functions import VerifyFunctions
from belay.control.stack_values import StackValues
from belay.control.stage import StageContext
from belay.database.snapshots import snapshot_source
from belay.errors import AwsFault, ServiceUnavailable, Throttled
from belay.masking import is_reference
from belay.policy.declared import declared_groups
from belay.release.accepted import AcceptedRelease
from belay.release.place import Power, StagePlace
from belay.release.registration import Database
from belay.release.verification import COMPOSITE, METRIC
from belay.rollback.rehearsal import (
    Check,
    Readiness,
    Rehearsal,
    StatefulChange,
    check_alarms,
    check_data,
    check_databases,
    check_last_known_good,
    check_permissions,
    check_service_role,
    check_services,
    check_snapshot_quota,
    check_values,
    check_verify_function,
)
from belay.stack.change_set import ChangeSet
from belay.stack.plan import Progress, StackPlan
from belay.stack.stateful import is_stateful
from belay.template.loader import load
from belay.template.policies import deletion_policies

_RECOVERS = (
    "cloudformation:CancelUpdateStack",
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:CreateChangeSet",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:RollbackStack",
)
_PASSED = {"iam:PassedToService": "cloudformation.amazonaws.com"}


@dataclass(frozen=True)
class RehearsedRoles:
    """The roles that would recover stacks and services, and databases; and what no service role may do.

    ``protected`` are calls, each with the resource of Belay's own that it would change.
    """

    stacks: str
    databases: str
    protected: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, place: StagePlace | None, stacks: str, databases: str, protected: str) -> "RehearsedRoles":
        """Return the roles of a stage; the others are Belay's at home, ``protected`` as ``action=resource``, each a
        word.

        Elsewhere one role recovers, and Belay's only resources are its roles.
        """
        if place is None:
            calls = (each.partition("=") for each in protected.split())
            return cls(stacks, databases, [(action, resource) for action, _, resource in calls])
        changes = ("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy")
        owned = [(change, place.roles.of(power)) for power in Power for change in changes]
        return cls(place.roles.recover, place.roles.recover, owned)


@dataclass(frozen=True)
class RollbackRehearsal:
    """What a rollback of one release in one stage would depend on."""

    run: StageContext
    stacks: Stacks
    databases: Databases
    services: Services
    alarms: Alarms
    functions: VerifyFunctions
    roles: Roles
    recovering: RehearsedRoles
    values: StackValues

    def rehearse(self) -> Rehearsal:
        """Run every check that the stage's registration asks for; an ephemeral stage has nothing to roll back to.

        A denied read makes a check UNKNOWN; throttling or an outage is transient and raised.
        """
        if self.run.stage.ephemeral:
            return Rehearsal()
        return Rehearsal(
            (
                *self._checked("last-known-good", self._last_known_good),
                *self._checked("data", self._data),
                *self._checked("databases", self._databases),
                *self._checked("snapshot quota", self._snapshot_quota),
                *self._checked("services", self._services),
                *self._checked("alarms", self._alarms),
                *self._checked("verify function", self._verify_function),
                *self._checked("permissions", self._permissions_over_stacks),
                *self._checked("permissions", self._permissions_over_databases),
                *self._checked("permissions", self._permissions_of_service_role),
                *self._checked("service role", self._limits_of_service_role),
                *self._checked("secret values", self._secret_values),
            )
        )

    def _checked(self, about: str, check: Callable[[], Iterator[Check]]) -> list[Check]:
        try:
            return list(check())
        except (Throttled, ServiceUnavailable):
            raise
        except AwsFault as fault:
            return [Check(about, Readiness.NOT_KNOWN, str(fault))]

    def _last_known_good(self) -> Iterator[Check]:
        runs = self.run.ledger.stages.runs(self.run.release.application, self.run.stage.name)
        if runs is None:
            yield check_last_known_good(None, ())
            return
        release = runs.release
        accepted = self.run.artifacts.read(release.document_key, AcceptedRelease.from_dict)
        if accepted is None:
            yield check_last_known_good(release.version, ("the record",))
            return
        manifest = accepted.manifest
        templates = {stack.template: manifest.digests[stack.template] for stack in manifest.stacks}
        gone = [
            path
            for path, digest in templates.items()
            if not self.run.artifacts.has_member(release.member_key(path), digest)
        ]
        yield check_last_known_good(release.version, gone)

    @property
    def _first(self) -> bool:
        return self.run.ledger.stages.runs(self.run.release.application, self.run.stage.name) is None

    def _change_sets(self) -> Iterator[tuple[StackPlan, ChangeSet]]:
        for stack in self.run.plan().in_progress(Progress.PLANNED):
            change_set = self.stacks.describe_change_set(str(stack.change_set_id))
            if change_set is not None:
                yield stack, change_set

    def _coming(self, *resource_types: str) -> bool:
        """Whether the release may create a resource of these types itself, so that it need not exist yet."""
        return self._first or any(
            change.action == "Add" and change.resource_type in resource_types
            for _, change_set in self._change_sets()
            for _, change in change_set.all_changes()
        )

    def _data(self) -> Iterator[Check]:
        changes = [each for stack, change_set in self._change_sets() for each in self._stateful(stack, change_set)]
        yield check_data(changes, first=self._first)

    def _stateful(self, stack: StackPlan, change_set: ChangeSet) -> Iterator[StatefulChange]:
        touched = [(path, each) for path, each in change_set.all_changes() if is_stateful(each.resource_type)]
        policies = self._deletion_policies(stack) if touched else {}
        for path, change in touched:
            policy = policies.get((change.logical_id, change.resource_type))
            adds = change.action == "Add"
            yield StatefulChange(
                f"{stack.stack}/{path}", change.resource_type, adds, change.removes, stack.creates, policy
            )

    def _deletion_policies(self, stack: StackPlan) -> Mapping[tuple[str, str], str | None]:
        """Each resource's deletion policy in the templates of a stack, nested ones included, by its id and type."""
        files = self.run.files
        manifest = next(each for each in self.run.accepted.manifest.stacks if each.name == stack.stack)
        _, paths = declared_groups(files, manifest.template, self.run.parameters(manifest))
        found: dict[tuple[str, str], str | None] = {}
        for path in paths:
            found |= deletion_policies(load(files[path], path))
        return found

    def _databases(self) -> Iterator[Check]:
        stage = self.run.stage
        if stage.databases:
            described = {each: self.databases.describe(each.kind, each.identifier) for each in stage.databases}
            seen = [snapshot_source(each.kind, each.identifier, found) for each, found in described.items()]
            replicas = {
                each.identifier: (found or {}).get(each.kind.replicas) or [] for each, found in described.items()
            }
            yield check_databases(seen, replicas, stage.restore)

    def _snapshot_quota(self) -> Iterator[Check]:
        if self.run.stage.databases:
            yield check_snapshot_quota(self.run.stage.databases, self.databases.account_quotas())

    def _services(self) -> Iterator[Check]:
        if self.run.stage.services:
            described = {each.name: self.services.describe(each) for each in self.run.stage.services}
            yield check_services(
                {
                    name: (found.get("deploymentController") or {}).get("type", "ECS")
                    if found and found["status"] == "ACTIVE"
                    else None
                    for name, found in described.items()
                },
                coming=None in described.values() and self._coming("AWS::ECS::Service"),
            )

    def _alarms(self) -> Iterator[Check]:
        if self.run.stage.alarms:
            watched = self.alarms.describe(self.run.stage.alarms)
            missing = any(alarm.state is None for alarm in watched)
            yield check_alarms(watched, coming=missing and self._coming(METRIC, COMPOSITE))

    def _verify_function(self) -> Iterator[Check]:
        function = self.run.stage.verify.function
        if function is not None:
            state = self.functions.state(function)
            yield check_verify_function(function, state, coming=state is None and self._coming("AWS::Lambda::Function"))

    def _permissions_over_stacks(self) -> Iterator[Check]:
        """What Belay's own role does in a rollback: its template's parameters and the organization decide."""
        role, stage, refused = self.recovering.stacks, self.run.stage, []
        for stack in self.run.plan().stacks:
            if stack.stack_id is not None:
                refused += self._refused(role, _RECOVERS, stack.stack_id)
        refused += self._refused(role, ("iam:PassRole",), stage.service_role, _PASSED)
        if stage.verify.function is not None:
            refused += self._refused(role, ("lambda:InvokeFunction",), stage.verify.function)
        for service in stage.services:
            found = self.services.describe(service)
            if found is not None:
                refused += self._refused(role, ("ecs:UpdateService",), found["serviceArn"])
        yield check_permissions(role, refused)

    def _permissions_over_databases(self) -> Iterator[Check]:
        if self.run.stage.databases and self.run.stage.restore != "never":
            refused = [each for database in self.run.stage.databases for each in self._refused_to_restore(database)]
            yield check_permissions(self.recovering.databases, refused)

    def _refused_to_restore(self, database: Database) -> list[str]:
        """A restore reads the snapshot, which is not taken yet, and renames the database."""
        kind = database.kind
        found = self.databases.describe(kind, database.identifier)
        if found is None:
            return []
        # The snapshot will have the tags of all of Belay's snapshots.
        application = self.run.release.application
        tagged = {"aws:ResourceTag/belay:application": application}
        if not self.run.stage.at_home:
            # So will the session that restores it, but only for the same application.
            tagged["aws:PrincipalTag/belay:application"] = application
        return [
            *self._refused(self.recovering.databases, (f"rds:{kind.made_by}",), kind.snapshot_arn(found), tagged),
            *self._refused(self.recovering.databases, (f"rds:{kind.modify}",), kind.arn(found)),
        ]

    def _permissions_of_service_role(self) -> Iterator[Check]:
        """The service role does what CloudFormation does: with rollback triggers it reads their alarms."""
        role, watched = self.run.stage.service_role, self.alarms.describe(self.run.stage.alarms)
        if watched:
            refused: list[str] = []
            for alarm in watched:
                if alarm.arn:
                    refused += self._refused(role, ("cloudwatch:DescribeAlarms",), alarm.arn)
            yield check_permissions(role, refused)

    def _limits_of_service_role(self) -> Iterator[Check]:
        """A role that does not exist may do nothing."""
        role = self.run.stage.service_role
        may = [
            f"{action} on {resource}"
            for action, resource in self.recovering.protected
            if self.roles.refused(role, (action,), resource) == []
        ]
        yield check_service_role(role, may)

    def _secret_values(self) -> Iterator[Check]:
        """Compare what the change sets give NoEcho parameters with what is known of today's values."""
        changed, unknown = [], []
        for stack in self.run.plan().in_progress(Progress.PLANNED):
            if stack.creates or not stack.digests:
                continue
            now = self.values.in_use(str(stack.stack_id))
            for name, digest in stack.digests.items():
                before = None if now is None else now.digests.get(name)
                if now is None:
                    unknown.append(f"{stack.stack}/{name}")
                elif before not in (None, digest) and not is_reference(str(before)):
                    changed.append(f"{stack.stack}/{name}")
        yield check_values(changed, unknown)

    def _refused(
        self, role: str, actions: tuple[str, ...], resource: str, context: Mapping[str, str] | None = None
    ) -> list[str]:
        refused = self.roles.refused(role, actions, resource, context)
        if refused is None:
            return ["do anything: there is no such role"]
        return [f"{action} on {resource}" for action in refused]
