"""The databases' part of a rollback plan: run to its end on a simulated RDS, and interrupted at every step."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from played_rds import ARN, CLUSTER, INSTANCE, NOW, SNAPSHOT, PlayedRds, RefusedError, member, snapshot

from belay.database.executor import ChangeOutcome, ChangeResult, StoredDocument
from belay.database.fields import differing, own_tags
from belay.database.instance import INSTANCE as INSTANCE_KIND
from belay.database.kinds import UNIT_KINDS
from belay.database.restore import Place, Taken, Unit, refusal
from belay.release.change_plan import ChangePlan, ChangeState, PendingChange
from belay.release.manifest import DatabaseChanges, SchemaRange
from belay.release.registration import Database, RegisteredExecutor
from belay.rollback.databases import LIMIT, Reach, plan_databases, reached
from belay.rollback.plan import Action, Kind, LeftToDo, Remark, Risk, RollbackPlan, Step, Todo
from belay.rollback.question import Answer
from belay.rollback.situation import DatabaseSeen, Situation, StackSeen
from belay.sql.changes import Engine
from belay.stack.status import StackStatus

INCIDENT = "orders-production-0123456789ab"
TAKEN = Taken(SNAPSHOT, "orders", "production", "1.3.0", NOW.replace(minute=10))
AT = "2026-03-02T09:20:00.000+00:00"


def result(name: str, outcome: ChangeOutcome = ChangeOutcome.APPLIED) -> ChangeResult:
    return ChangeResult(name, "a" * 64, outcome, AT, AT)


def pending(name: str, *, undo: bool = False) -> PendingChange:
    return PendingChange(name, "", f"database/changes/{name}.sql", 0, "a" * 64, undo=undo)


PLAN = ChangePlan(
    database=Database(INSTANCE_KIND, "orders-db"),
    executor=RegisteredExecutor("arn:aws:lambda:eu-west-1:111122223333:function:change", "orders"),
    engine=Engine.POSTGRESQL,
    stored=StoredDocument("artifacts", "attempts/orders/a/production/changes.json", "v1", "b" * 64),
    pending=(pending("0004-payments"),),
    results=(result("0004-payments"),),
    state=ChangeState.APPLIED,
)
"""A change that was applied and has no undo."""

DECLARED = DatabaseChanges("database/changes", schema=SchemaRange("3", "4"), applied_by="service")

UNDOABLE = replace(
    PLAN,
    pending=(pending("0004-payments", undo=True), pending("0005-refunds", undo=True)),
    results=(result("0004-payments"), result("0005-refunds")),
)
SERVICE = StackSeen(
    "service", "orders-production-service", "arn:stack", StackStatus.UPDATE_ROLLBACK_COMPLETE, changed_by_release=True
)
KIND = {kind.name: kind for kind in UNIT_KINDS}
MEMBERS = {"orders-db-1": "db-WRITER", "orders-db-2": "db-READER"}


class Incident:
    """What a recovery remembers and observes between two plans."""

    def __init__(self, kind: str = "instance", **more: Any) -> None:
        self.kind = kind
        self.rds = PlayedRds()
        if kind == "cluster":
            self.rds.clusters["orders-db"] = dict(CLUSTER)
            for name, source in MEMBERS.items():
                self.rds.instances[name] = member(name, source, writer=name.endswith("1"))
            self.rds._link()
        else:
            self.rds.instances["orders-db"] = dict(INSTANCE)
        self.more = {"policy": "automatic", "executor": True, "plan": PLAN, "snapshot": snapshot(kind)} | more
        self.tried: list[tuple[Action, str]] = []
        self.answers: dict[str, Answer] = {}
        self.now = NOW

    def seen(self) -> DatabaseSeen:
        units = [self.unit(self.kind, "orders-db", "cluster-ORIGINAL" if self.kind == "cluster" else "db-ORIGINAL")]
        if self.kind == "cluster":
            units += [self.unit("member", name, source) for name, source in MEMBERS.items()]
        last = (*self.tried[-1], self.now) if self.tried else None
        values = {
            "database": "orders-db",
            "kind": KIND[self.kind],
            "taken": TAKEN,
            "now": self.now,
            "units": tuple(units),
        }
        return DatabaseSeen(**values | {"last_step": last, "reason": "it failed (payments)"} | self.more)

    def unit(self, kind: Any, name: str, source: str) -> Unit:
        unit = Unit(KIND[kind], name, source, INCIDENT)
        those = self.rds.clusters if kind == "cluster" else self.rds.instances
        return replace(unit, found={place: those[unit.at(place)] for place in Place if unit.at(place) in those})

    def situation(self, **more: Any) -> Situation:
        values = {"application": "orders", "stage": "production", "version": "1.3.0", "stacks": (SERVICE,)}
        return Situation(
            **values | {"databases": (self.seen(),), "tried": Counter(self.tried), "answers": self.answers} | more
        )

    def plan(self, **more: Any) -> tuple[Todo, ...]:
        return plan_databases(self.situation(**more))

    def steps(self) -> list[Step]:
        return [todo for todo in self.plan() if isinstance(todo, Step)]

    def play(self, most: int = 40) -> Iterator[Step]:
        """Take the first step of each plan, until there is none; each is recorded before its call."""
        for _ in range(most):
            steps = self.steps()
            if not steps:
                return
            yield steps[0]
            self.tried.append((steps[0].action, steps[0].subject))
            self.rds.call(steps[0].call[1], steps[0].parameters)
            self.now += timedelta(minutes=1)
        pytest.fail(f"the plan has no end: {self.tried}")


def left(todos: tuple[Todo, ...]) -> str:
    return "\n".join(todo.in_words() for todo in todos if isinstance(todo, LeftToDo))


def remarks(todos: tuple[Todo, ...]) -> str:
    return "\n".join(todo.in_words() for todo in todos if isinstance(todo, Remark))


def test_an_instance_is_restored_swapped_and_the_replaced_one_kept() -> None:
    incident = Incident()
    actions = [step.action for step in incident.play()]
    unit = incident.seen().units[0]
    kept = incident.rds.instances[unit.at(Place.REPLACED)]

    assert actions == [
        Action.RESTORE_DATABASE,
        Action.MODIFY_DATABASE,
        Action.ADD_ROLE,
        Action.RENAME_ORIGINAL,
        Action.RENAME_RESTORED,
        Action.TAG_REPLACED,
    ]
    assert set(incident.rds.instances) == {"orders-db", unit.at(Place.REPLACED)}
    assert KIND["instance"].resource_id(kept) == "db-ORIGINAL"
    assert kept["DeletionProtection"]
    assert own_tags(kept)["belay:replaced-because"] == "it failed payments"
    assert own_tags(kept)["belay:keep-until"] == "2026-03-16"
    now_there = incident.rds.instances["orders-db"]
    assert not list(differing(KIND["instance"], INSTANCE, now_there))
    assert own_tags(now_there)["belay:restored-from"] == SNAPSHOT
    assert own_tags(now_there)["team"] == "orders"
    assert left(incident.plan()) == ""
    assert "only in the replaced instance" in remarks(incident.plan())


def test_a_cluster_is_restored_with_its_members() -> None:
    incident = Incident("cluster")
    actions = [(step.action, step.subject) for step in incident.play()]
    head = incident.seen().units[0]

    assert actions == [
        (Action.RESTORE_DATABASE, "orders-db"),
        (Action.CREATE_MEMBER, "orders-db-1"),
        (Action.CREATE_MEMBER, "orders-db-2"),
        (Action.MODIFY_DATABASE, "orders-db"),
        *((Action.RENAME_ORIGINAL, name) for name in ("orders-db", *MEMBERS)),
        *((Action.RENAME_RESTORED, name) for name in ("orders-db", *MEMBERS)),
        *((Action.TAG_REPLACED, name) for name in ("orders-db", *MEMBERS)),
    ]
    members = {each["DBInstanceIdentifier"] for each in incident.rds.clusters["orders-db"]["DBClusterMembers"]}
    assert members == set(MEMBERS)
    assert incident.rds.clusters[head.at(Place.REPLACED)]["DbClusterResourceId"] == "cluster-ORIGINAL"
    assert not list(differing(KIND["cluster"], CLUSTER, incident.rds.clusters["orders-db"]))
    assert left(incident.plan()) == ""


def test_what_was_not_protected_is_protected_once_replaced() -> None:
    incident = Incident()
    incident.rds.instances["orders-db"]["DeletionProtection"] = False
    *_, protect, _ = list(incident.play())
    assert protect.action is Action.PROTECT_REPLACED
    assert not incident.rds.instances["orders-db"].get("DeletionProtection")
    assert incident.rds.instances[incident.seen().units[0].at(Place.REPLACED)]["DeletionProtection"]


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_an_interrupted_recovery_goes_on_from_what_is_there(kind: str) -> None:
    """Killed before or after each call, recorded or not: the same calls are made, once each."""
    whole = Incident(kind)
    list(whole.play())
    for stop in range(len(whole.rds.calls)):
        for noted in (True, False):
            incident = Incident(kind)
            for number, step in enumerate(incident.play()):
                if number == stop:
                    incident.rds.call(step.call[1], step.parameters)
                    if noted:
                        incident.tried.append((step.action, step.subject))
                    break
            incident.now += timedelta(minutes=1)
            list(incident.play())
            assert [call[0] for call in incident.rds.calls] == [call[0] for call in whole.rds.calls]
            assert set(incident.rds.instances) == set(whole.rds.instances)
            assert incident.plan() == whole.plan()


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_every_step_of_the_plan_stands_in_it_before_the_first_is_taken(kind: str) -> None:
    incident = Incident(kind)
    planned = [(step.action, step.subject) for step in incident.steps()]
    assert planned == [(step.action, step.subject) for step in incident.play()]


def test_every_step_tells_why_it_is_legal_what_it_costs_and_what_shows_it() -> None:
    for kind in ("instance", "cluster"):
        for step in Incident(kind).steps():
            assert "https://docs.aws.amazon.com/" in step.legal_because
            assert step.why
            assert step.risk_in_words
            assert step.checked_afterwards
            assert (step.risk is Risk.DATA) == ("RENAME" in step.action)
            assert RollbackPlan.from_dict(RollbackPlan((step,)).to_dict()).steps == (step,)


def test_a_cluster_whose_instance_cannot_be_made_keeps_its_name() -> None:
    incident = Incident("cluster")
    for step in incident.play():
        if (step.action, step.subject) == (Action.CREATE_MEMBER, "orders-db-2"):
            break
    incident.tried += [(Action.CREATE_MEMBER, "orders-db-2")] * LIMIT
    assert "after 2 attempts" in left(incident.plan())
    assert not incident.steps()


def test_no_original_is_renamed_before_everything_was_restored_and_compared() -> None:
    """However often anything was tried, wherever the recovery is: a name is only taken away if there is a successor."""
    for kind in ("instance", "cluster"):
        whole = Incident(kind)
        for _ in whole.play():
            for action in Action:
                tried = Counter(whole.tried) + Counter({(action, unit.name): LIMIT for unit in whole.seen().units})
                steps = [todo for todo in plan_databases(whole.situation(tried=tried)) if isinstance(todo, Step)]
                first = steps[0].action if steps else None
                if first is Action.RENAME_ORIGINAL:
                    assert all(unit.restored for unit in whole.seen().units)


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_the_names_go_back_wherever_the_swap_is_refused(kind: str) -> None:
    renames = [step for step in list(Incident(kind).play()) if step.action.startswith("RENAME")]
    for refused in renames:
        incident = Incident(kind)
        for step in incident.play():
            if (step.action, step.subject) == (refused.action, refused.subject):
                break
        incident.tried.append((refused.action, refused.subject))
        incident.more["blocked"] = "RDS.ModifyDBInstance answered StorageQuotaExceeded: no"
        list(incident.play())
        original = incident.rds.clusters if kind == "cluster" else incident.rds.instances
        assert KIND[kind].resource_id(original["orders-db"]).endswith("ORIGINAL")
        if kind == "cluster":
            assert {name: incident.rds.instances[name]["DbiResourceId"] for name in MEMBERS} == MEMBERS
        assert "StorageQuotaExceeded" in left(incident.plan())


def test_a_swap_that_shows_no_effect_is_tried_again_then_undone() -> None:
    incident = Incident()
    for step in incident.play():
        if step.action is Action.RENAME_RESTORED:
            break
    incident.tried += [(Action.RENAME_RESTORED, "orders-db")] * LIMIT
    actions = [step.action for step in incident.play()]
    assert actions == [Action.UNDO_RENAME_ORIGINAL]
    assert incident.rds.instances["orders-db"]["DbiResourceId"] == "db-ORIGINAL"
    assert "the swap was undone" in left(incident.plan())


def test_what_was_asked_a_moment_ago_is_waited_for_before_it_is_asked_again() -> None:
    incident = Incident()
    asked = (Action.RESTORE_DATABASE, "orders-db")
    incident.tried, incident.more["last_step"] = [asked], (*asked, NOW - timedelta(minutes=4))
    assert [step.action for step in incident.steps()][:2] == [Action.WAIT, Action.RESTORE_DATABASE]
    incident.more["last_step"] = (*asked, NOW - timedelta(minutes=6))
    assert incident.steps()[0].action is Action.RESTORE_DATABASE
    incident.tried = [asked] * LIMIT
    assert "after 2 attempts" in left(incident.plan())
    assert incident.steps() == [], "without a restored database the original keeps its name"


def test_nothing_is_done_to_a_database_that_is_busy() -> None:
    incident = Incident()
    next(iter(incident.play()))
    for status in ("creating", "backing-up", "modifying"):
        incident.rds.instances["orders-db"]["DBInstanceStatus"] = status
        first = incident.steps()[0]
        assert (first.action, status in first.why) == (Action.WAIT, True)
    incident.more["last_step"] = (Action.RESTORE_DATABASE, "orders-db", NOW - timedelta(hours=7))
    assert "took longer than 6 hours" in left(incident.plan())
    incident.rds.instances["orders-db"]["DBInstanceStatus"] = "storage-full"
    assert "storage-full" in left(incident.plan())
    assert not incident.steps()


def test_a_change_that_is_pending_on_the_restored_one_is_waited_for() -> None:
    incident = Incident()
    for step in incident.play():
        if step.action is Action.RENAME_ORIGINAL:
            break
    restored = incident.rds.instances[incident.seen().units[0].at(Place.RESTORED)]
    restored["PendingModifiedValues"] = {"MultiAZ": True}
    assert incident.steps()[0].action is Action.WAIT


def test_what_is_seen_under_no_name_while_it_is_renamed_is_waited_for() -> None:
    incident = Incident()
    for step in incident.play():
        if step.action is Action.RENAME_ORIGINAL:
            break
    incident.rds.call(step.call[1], step.parameters)
    name = incident.seen().units[0].at(Place.REPLACED)
    original, renamed = incident.rds.instances.pop(name), (Action.RENAME_ORIGINAL, "orders-db")
    incident.tried.append(renamed)
    assert [todo.action for todo in incident.steps()] == [Action.WAIT]
    assert left(incident.plan()) == ""
    incident.more["last_step"] = (*renamed, NOW - timedelta(minutes=40))
    assert "more than 30 minutes" in left(incident.plan())
    del incident.more["last_step"]
    incident.rds.instances[name] = original
    assert [step.action for step in incident.play()] == [Action.RENAME_RESTORED, Action.TAG_REPLACED]


def test_every_database_is_restored_before_the_first_is_swapped() -> None:
    one = Incident().seen()
    other = replace(one, database="billing-db", units=tuple(replace(unit, name="billing-db") for unit in one.units))
    todos = plan_databases(replace(Incident().situation(), databases=(one, other)))
    done = [(step.action, step.subject) for step in todos if isinstance(step, Step)]
    both = ("orders-db", "billing-db")
    beside = (Action.RESTORE_DATABASE, Action.MODIFY_DATABASE, Action.ADD_ROLE)
    swap = (Action.RENAME_ORIGINAL, Action.RENAME_RESTORED, Action.TAG_REPLACED)
    expected = [(action, name) for part in (beside, swap) for name in both for action in part]
    assert done == expected


def test_a_restored_database_that_is_not_the_same_does_not_take_the_name() -> None:
    incident = Incident()
    for step in incident.play():
        if step.action is Action.RENAME_ORIGINAL:
            break
    unit = incident.seen().units[0]
    incident.rds.instances[unit.at(Place.RESTORED)]["KmsKeyId"] = "another"
    told = left(incident.plan())
    assert "KmsKeyId is another instead of" in told
    assert unit.at(Place.RESTORED) in told
    assert not incident.steps()


class TestUndo:
    """It loses no writes, so it comes before a restore."""

    def test_what_has_an_undo_is_undone_and_not_restored(self) -> None:
        (step,) = Incident(plan=UNDOABLE, policy="never").plan()
        assert isinstance(step, Step)
        assert (step.action, step.kind, step.risk) == (Action.UNDO_CHANGES, Kind.CHANGES, Risk.NONE)
        assert step.why == (
            "undo 0005-refunds, 0004-payments in instance orders-db by their own scripts "
            "(not rehearsed: 0004-payments, 0005-refunds)"
        )
        assert step.call == ("lambda", "Invoke")
        assert step.parameters == {"FunctionName": PLAN.executor.function}

    def test_that_it_was_rehearsed_is_said_where_it_was(self) -> None:
        (step,) = Incident(plan=UNDOABLE, rehearsed=frozenset({"0004-payments"})).steps()
        assert "(not rehearsed: 0005-refunds)" in step.why
        (step,) = Incident(plan=UNDOABLE, rehearsed=frozenset({"0004-payments", "0005-refunds"})).steps()
        assert "(rehearsed on a copy)" in step.why

    def test_a_person_who_denies_a_restore_does_not_keep_an_undo_from_being_made(self) -> None:
        incident = Incident(plan=UNDOABLE, policy="approval")
        incident.answers["restore-orders-db"] = Answer.DENIED
        assert [step.action for step in incident.steps()] == [Action.UNDO_CHANGES]

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            ({}, "0004-payments has no undo"),
            (
                {"plan": replace(UNDOABLE, pending=(pending("0004-payments"), pending("0005-refunds")))},
                "0004-payments, 0005-refunds have no undo",
            ),
            ({"plan": UNDOABLE, "undo_refused": "its executor did not undo them: no."}, "did not undo them: no"),
            (
                {"plan": replace(UNDOABLE, results=(result("0005-refunds", ChangeOutcome.UNKNOWN),))},
                "of 0005-refunds a part may be there, which no script undoes",
            ),
        ],
    )
    def test_what_cannot_be_undone_is_restored_and_the_plan_says_why(self, more: dict[str, Any], why: str) -> None:
        incident = Incident(**more)
        assert incident.steps()[0].action is Action.RESTORE_DATABASE
        assert f"its changes were not undone: {why}" in remarks(incident.plan()).replace("its executor ", "")

    def test_a_restore_that_was_begun_is_finished(self) -> None:
        incident = Incident()
        next(incident.play())
        incident.rds.call(incident.steps()[0].call[1], incident.steps()[0].parameters)
        incident.more["plan"] = UNDOABLE
        assert Action.UNDO_CHANGES not in [step.action for step in incident.steps()]

    def test_a_database_that_is_gone_with_its_stack_has_nothing_to_undo(self) -> None:
        incident = Incident(plan=UNDOABLE, snapshot=None)
        incident.rds.instances.clear()
        assert incident.plan() == ()

    def test_a_person_who_asks_to_go_back_gets_what_can_be_undone_and_no_restore(self) -> None:
        assert [step.action for step in Incident(plan=UNDOABLE, asked=True).steps()] == [Action.UNDO_CHANGES]
        todos = Incident(asked=True).plan()
        assert [type(todo) for todo in todos] == [Remark, Remark]
        assert "a restore would lose all writes since" in remarks(todos)
        assert "its changes were not undone: 0004-payments has no undo" in remarks(todos)

    def test_changes_that_nobody_followed_are_asked_about_first(self) -> None:
        begun = replace(UNDOABLE, state=ChangeState.APPLYING, results=())
        (step,) = Incident(plan=begun).plan()
        assert isinstance(step, Step)
        assert (step.action, step.kind) == (Action.CHECK_CHANGES, Kind.CHANGES)
        silent = Incident(plan=begun, undo_refused="the database executor change gave no answer: KeyError").plan()
        assert "its executor does not say what became of them: the database executor change gave" in left(silent)
        assert [type(todo) for todo in silent] == [LeftToDo]


class TestMayItBeRestored:
    @pytest.mark.parametrize(
        ("plan", "executor", "stacks", "reach"),
        [
            (PLAN, True, (), Reach.REACHED),
            (replace(PLAN, state=ChangeState.PLANNED, results=()), True, (SERVICE,), Reach.NOT_REACHED),
            (replace(PLAN, state=ChangeState.APPLYING, results=()), True, (SERVICE,), Reach.BEGUN),
            (replace(PLAN, results=(result("0004-payments", ChangeOutcome.FAILED),)), True, (), Reach.NOT_REACHED),
            (replace(PLAN, results=(result("0004-payments", ChangeOutcome.UNKNOWN),)), True, (), Reach.REACHED),
            (replace(PLAN, state=ChangeState.UNDOING), True, (), Reach.REACHED),
            (replace(PLAN, state=ChangeState.UNDONE), True, (SERVICE,), Reach.NOT_REACHED),
            (replace(PLAN, state=ChangeState.RESTORED), True, (SERVICE,), Reach.NOT_REACHED),
            (None, True, (SERVICE,), Reach.NOT_REACHED),
            (None, False, (SERVICE,), Reach.NOT_KNOWN),
            (None, False, (replace(SERVICE, changed_by_release=False),), Reach.NOT_REACHED),
        ],
    )
    def test_only_where_the_release_changed_the_data(
        self, plan: ChangePlan | None, executor: bool, stacks: Any, reach: Reach
    ) -> None:
        incident = Incident(plan=plan, executor=executor)
        todos = plan_databases(incident.situation(stacks=stacks))
        assert reached(incident.seen(), stacks) is reach
        assert any(isinstance(todo, Step) for todo in todos) == (reach in (Reach.REACHED, Reach.BEGUN))
        assert left(todos) == ""
        assert ("database.applied_by" in remarks(todos)) == (reach is Reach.NOT_KNOWN)

    @pytest.mark.parametrize(
        ("declared", "stack", "reach"),
        [
            (DECLARED, "service", Reach.REACHED),
            (DECLARED, "network", Reach.NOT_REACHED),
            (replace(DECLARED, schema=SchemaRange("4", "4")), "service", Reach.NOT_REACHED),
            (replace(DECLARED, schema=None), "service", Reach.REACHED),
            (replace(DECLARED, applied_by=None), "service", Reach.NOT_KNOWN),
        ],
    )
    def test_without_an_executor_the_release_says_which_stack_changes_the_data(
        self, declared: DatabaseChanges, stack: str, reach: Reach
    ) -> None:
        stacks = (replace(SERVICE, stack=stack),)
        incident = Incident(plan=None, executor=False, declared=declared)
        todos = plan_databases(incident.situation(stacks=stacks))
        assert reached(incident.seen(), stacks) is reach
        assert any(isinstance(todo, Step) for todo in todos) == (reach is Reach.REACHED)
        assert ("database.applied_by" in remarks(todos)) == (reach is Reach.NOT_KNOWN)

    def test_never_in_an_ephemeral_stage(self) -> None:
        assert Incident().plan(ephemeral=True) == ()

    def test_never_where_the_registration_says_so(self) -> None:
        plan = Incident(policy="never").plan()
        assert "the registration says never" in remarks(plan)
        assert SNAPSHOT in remarks(plan)
        assert [type(todo) for todo in plan] == [Remark, Remark]

    @pytest.mark.parametrize("declared", [None, DECLARED])
    def test_never_because_a_person_asked_to_go_back_from_what_was_deployed(
        self, declared: DatabaseChanges | None
    ) -> None:
        plan = Incident(asked=True, plan=None, executor=False, declared=declared).plan()
        assert "would lose all writes since" in remarks(plan)
        assert [type(todo) for todo in plan] == [Remark]

    def test_by_default_a_person_is_asked_first(self) -> None:
        incident = Incident(policy="approval")
        ask, _ = incident.plan()
        assert isinstance(ask, Step)
        assert ask.action is Action.ASK
        assert SNAPSHOT in ask.why
        assert "12 minutes of writes" in ask.why
        incident.answers["restore-orders-db"] = Answer.WAITING
        assert [step.action for step in incident.steps()] == [Action.WAIT]
        incident.answers["restore-orders-db"] = Answer.APPROVED
        assert incident.steps()[0].action is Action.RESTORE_DATABASE
        incident.answers["restore-orders-db"] = Answer.DENIED
        assert "denied" in left(incident.plan())
        incident.answers["restore-orders-db"] = Answer.EXPIRED
        assert "Nobody answered" in left(incident.plan())

    @pytest.mark.parametrize(
        ("found", "why"),
        [
            (None, "there is no snapshot"),
            (snapshot(Status="creating"), "is creating, not available"),
            (snapshot(TagList=[]), "is not the one that was taken for the release"),
            (snapshot(DBSnapshotIdentifier="another"), "is not the one that was taken for the release"),
            (snapshot(SnapshotType="automated"), "is not the one that was taken for the release"),
            (snapshot(SnapshotCreateTime=NOW.replace(minute=9)), "is older than the release"),
        ],
    )
    def test_not_from_a_snapshot_that_is_not_the_release_s(self, found: Any, why: str) -> None:
        plan = Incident(snapshot=found).plan()
        assert why in left(plan)
        assert [type(todo) for todo in plan] == [LeftToDo, Remark]

    def test_a_snapshot_that_is_gone_is_told_with_where_its_copy_is(self) -> None:
        gone = replace(TAKEN, vault="the vault in account 222222222222, region eu-west-1")
        why = refusal(INSTANCE_KIND, gone, None, None)
        assert why is not None
        command = "belay vault restore orders production"
        assert why.endswith(f"; a copy of it may be in {gone.vault}, from where `{command}` restores it")

    def test_not_from_a_snapshot_of_another_database(self) -> None:
        incident = Incident()
        incident.rds.instances["orders-db"]["DbiResourceId"] = "db-ANOTHER"
        assert "is of another database" in left(incident.plan())
        assert not incident.steps()

    def test_not_what_is_gone(self) -> None:
        incident = Incident()
        incident.rds.instances.clear()
        assert "is of another database" in left(incident.plan())

    def test_what_the_release_made_itself_was_not_there_before(self) -> None:
        incident = Incident(snapshot=None)
        incident.rds.instances.clear()
        assert incident.plan() == ()

    @pytest.mark.parametrize(
        ("kind", "described", "why"),
        [
            ("instance", {"ReadReplicaDBInstanceIdentifiers": ["orders-db-replica"]}, "orders-db-replica"),
            ("instance", {"ReadReplicaSourceDBInstanceIdentifier": "primary"}, "it is a read replica of primary"),
            ("instance", {"ReadReplicaDBClusterIdentifiers": ["aurora"]}, "aurora"),
            ("instance", {"DBInstanceAutomatedBackupsReplications": [{}]}, "another Region"),
            ("instance", {"DomainMemberships": [{"Domain": "d-1"}]}, "joined to a domain"),
            ("instance", {"ActivityStreamStatus": "started"}, "activity stream"),
            ("instance", {"Engine": "custom-oracle-ee"}, "RDS Custom"),
            ("cluster", {"GlobalClusterIdentifier": "world"}, "the global database world"),
            ("cluster", {"ReadReplicaIdentifiers": ["elsewhere"]}, "elsewhere"),
            ("cluster", {"HttpEndpointEnabled": True}, "HTTP endpoint"),
            ("cluster", {"Engine": "postgres"}, "Multi-AZ DB cluster"),
        ],
    )
    def test_not_while_something_leans_on_it_that_would_not_follow(
        self, kind: str, described: dict[str, Any], why: str
    ) -> None:
        incident = Incident(kind)
        those = incident.rds.clusters if kind == "cluster" else incident.rds.instances
        those["orders-db"] |= described
        assert why in left(incident.plan())
        assert not incident.steps()

    @pytest.mark.parametrize(("kind", "name"), [("instance", "orders-db"), ("cluster", "orders-db-2")])
    def test_not_while_a_rename_would_make_changes_that_wait_for_the_maintenance_window(
        self, kind: str, name: str
    ) -> None:
        incident = Incident(kind)
        incident.rds.instances[name]["PendingModifiedValues"] = {"EngineVersion": "17.2", "Iops": None}
        assert f"{name} has changes that wait for its maintenance window (EngineVersion)" in left(incident.plan())
        assert not incident.steps()

        incident.rds.instances[name]["DBInstanceStatus"] = "modifying"
        assert incident.steps()[0].action is Action.WAIT

    def test_not_behind_a_proxy(self) -> None:
        plan = Incident(obstacles=("the proxy orders leads to it",)).plan()
        assert "the proxy orders leads to it; move or end that first" in left(plan)


def test_what_may_not_be_seen_is_left_to_a_person_with_its_snapshot() -> None:
    todos = Incident(unseen="RDS.DescribeDBInstances answered AccessDenied: not allowed.").plan()
    assert [type(todo) for todo in todos] == [LeftToDo, Remark]
    assert (
        f"can be restored: RDS.DescribeDBInstances answered AccessDenied: not allowed. Its snapshot is {SNAPSHOT}."
        in (left(todos))
    )


def test_a_managed_password_is_told_not_taken_over() -> None:
    incident = Incident()
    secret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:rds!db-1"
    incident.rds.instances["orders-db"]["MasterUserSecret"] = {"SecretArn": secret}
    list(incident.play())
    assert secret in remarks(incident.plan())


@pytest.mark.parametrize("used", [True, False])
def test_who_connects_by_iam_needs_the_new_resource_id(used: bool) -> None:
    incident = Incident()
    incident.rds.instances["orders-db"]["IAMDatabaseAuthenticationEnabled"] = used
    list(incident.play())
    new = incident.rds.instances["orders-db"]["DbiResourceId"]
    assert new != "db-ORIGINAL"
    assert (f"rds-db:connect to {new}" in remarks(incident.plan())) is used


def test_a_recovery_that_was_stopped_between_two_names_says_how_to_go_on() -> None:
    incident = Incident()
    for step in incident.play():
        if step.action is Action.RENAME_RESTORED:
            break
    told = RollbackPlan.of(incident.plan()).undone()
    assert (told[0].subject, told[0].why) == ("orders-db", "not done, or not confirmed")
    assert told[0].what.startswith("rename the restored instance")
    assert '"NewDBInstanceIdentifier": "orders-db"' in str(told[0].then)
    assert not [todo for todo in told if "wait" in todo.what]


def test_what_is_left_after_the_swap_is_left_with_its_command() -> None:
    incident = Incident()
    for step in incident.play():
        if step.action is Action.TAG_REPLACED:
            break
    incident.more["blocked"] = "RDS.AddTagsToResource answered AccessDenied: no"
    plan = incident.plan()
    assert not incident.steps()
    assert "aws rds add-tags-to-resource --cli-input-json" in left(plan)
    assert incident.rds.instances["orders-db"]["DbiResourceId"] != "db-ORIGINAL"


def test_the_played_rds_refuses_what_aws_refuses() -> None:
    rds = PlayedRds(instances={"orders-db": dict(INSTANCE)})
    with pytest.raises(RefusedError, match="maintenance window"):
        rds.call("ModifyDBInstance", {"DBInstanceIdentifier": "orders-db", "ApplyImmediately": False})
    with pytest.raises(RefusedError, match="Unknown parameter"):
        rds.call("AddTagsToResource", {"ResourceName": f"{ARN}:db:orders-db", "Tags": [], "Now": True})
