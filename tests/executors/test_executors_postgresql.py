"""The executor of PostgreSQL on a real server."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from postgres_world import World, change, document, dying

from belay.database.executor import Ask, OperationState
from local.postgres import Address

ORDERS = change(
    "0001-orders",
    "CREATE TABLE orders (id bigint PRIMARY KEY, status text)",
    "INSERT INTO orders SELECT n, 'new' FROM generate_series(1, 5) AS n",
    undo=("DROP TABLE orders",),
)
TOTAL = change(
    "0002-total",
    "ALTER TABLE orders ADD COLUMN total integer NOT NULL DEFAULT 0",
    undo=("ALTER TABLE orders DROP COLUMN total",),
)
INDEX = change(
    "0003-index",
    "CREATE INDEX CONCURRENTLY orders_status ON orders (status)",
    undo=("DROP INDEX CONCURRENTLY orders_status",),
    transactional=False,
)
ALL = document(ORDERS, TOTAL, INDEX)


@pytest.fixture
def world(empty_database: Address) -> World:
    return World(empty_database)


def outcomes(answer: Any) -> list[str]:
    return [each.outcome.value for each in answer.changes]


def test_changes_are_applied_in_order_and_recorded(world: World) -> None:
    answer = world.run(Ask.APPLY, ALL, "t")
    assert (answer.state, answer.reason, outcomes(answer)) == ("SUCCEEDED", "", ["APPLIED"] * 3)
    assert world.record() == [("0001-orders", "APPLIED"), ("0002-total", "APPLIED"), ("0003-index", "APPLIED")]
    assert world.sql("SELECT count(*), sum(total) FROM orders") == [(5, 0)]
    recorded = world.sql("SELECT author, path, position, digest, release, attempt FROM belay.belay_changes LIMIT 1")
    assert recorded == [("ada", "db/0001-orders.sql", 1, ORDERS.digest, "1.4.0", "attempt-1")]
    assert all(each.started <= each.ended for each in answer.changes)


def test_the_same_token_is_the_same_operation(world: World) -> None:
    world.run(Ask.APPLY, ALL, "t")
    assert world.begin(Ask.APPLY, ALL, "t").state is OperationState.SUCCEEDED
    assert world.waiting == []


def test_another_content_under_the_same_token_is_refused(world: World) -> None:
    world.begin(Ask.APPLY, ALL, "t")
    answer = world.begin(Ask.APPLY, document(ORDERS), "t")
    assert answer.state is OperationState.REFUSED
    assert "t began another operation" in answer.reason


def test_what_another_release_applied_is_left_alone(world: World) -> None:
    world.run(Ask.APPLY, document(ORDERS, TOTAL), "t")
    answer = world.run(Ask.APPLY, document(ORDERS, TOTAL, INDEX, attempt="attempt-2"), "u")
    assert outcomes(answer) == ["UNCHANGED", "UNCHANGED", "APPLIED"]
    undone = world.run(Ask.UNDO, document(ORDERS, TOTAL, INDEX, attempt="attempt-2"), "v")
    assert (undone.state, outcomes(undone)) == ("SUCCEEDED", ["UNCHANGED", "UNCHANGED", "UNDONE"])


def test_a_change_that_fails_leaves_nothing_and_ends_the_operation(world: World) -> None:
    bad = change("0002-bad", "UPDATE orders SET status = NULL", "ALTER TABLE orders\n  ADD COLUMN id bigint")
    answer = world.run(Ask.APPLY, document(ORDERS, bad, TOTAL), "t")
    assert (answer.state, outcomes(answer)) == ("FAILED", ["APPLIED", "FAILED", "PENDING"])
    error = answer.changes[1].error
    assert error is not None
    assert (error.code, error.path, error.line) == ("42701", "db/0002-bad.sql", 2)
    assert answer.reason == ('db/0002-bad.sql:2: 0002-bad is FAILED: column "id" of relation "orders" already exists')
    assert world.sql("SELECT count(*) FROM orders WHERE status = 'new'") == [(5,)]
    assert world.record() == [("0001-orders", "APPLIED"), ("0002-bad", "FAILED")]


def test_an_error_says_the_line_within_a_statement_and_quotes_no_row(world: World) -> None:
    bad = change("0001-bad", "SELECT 1", "SELECT\n  nothing")
    answer = world.run(Ask.APPLY, document(bad), "t")
    error = answer.changes[0].error
    assert error is not None
    assert (error.line, error.column) == (3, 3)
    twice = change("0001-twice", "INSERT INTO orders VALUES (1, 'Grace Hopper')")
    answer = world.run(Ask.APPLY, document(ORDERS, twice), "u")
    assert "Grace" not in repr(answer)
    assert answer.changes[1].error is not None
    assert answer.changes[1].error.code == "23505"


def test_an_edited_change_is_refused_before_anything_is_done(world: World) -> None:
    world.run(Ask.APPLY, document(ORDERS), "t")
    edited = replace(ORDERS, digest="f" * 64)
    answer = world.run(Ask.APPLY, document(edited, TOTAL, attempt="attempt-2"), "u")
    assert (answer.state, outcomes(answer)) == ("FAILED", ["PENDING", "PENDING"])
    assert "db/0001-orders.sql: 0001-orders was edited after 1.4.0 applied it" in answer.reason


def test_a_repeatable_change_is_applied_again_when_it_is_edited(world: World) -> None:
    view = change("R__view", "CREATE OR REPLACE VIEW v AS SELECT 1 AS n", repeatable=True)
    edited = change("R__view", "CREATE OR REPLACE VIEW v AS SELECT 2 AS n", repeatable=True)
    world.run(Ask.APPLY, document(view), "t")
    assert outcomes(world.run(Ask.APPLY, document(edited, attempt="attempt-2"), "u")) == ["APPLIED"]
    assert world.sql("SELECT n FROM v") == [(2,)]
    broken = change("R__view", "CREATE OR REPLACE VIEW v AS SELECT nothing", repeatable=True)
    assert outcomes(world.run(Ask.APPLY, document(broken, attempt="attempt-3"), "w")) == ["FAILED"]
    assert world.record() == [("R__view", "APPLIED")]


def test_undo_takes_back_the_last_first_and_keeps_what_was_written_meanwhile(world: World) -> None:
    world.run(Ask.APPLY, document(ORDERS), "t")
    later = document(ORDERS, TOTAL, INDEX, attempt="attempt-2")
    world.run(Ask.APPLY, later, "u")
    world.sql("INSERT INTO orders (id, status) VALUES (6, 'written meanwhile')")
    answer = world.run(Ask.UNDO, later, "v")
    assert (answer.state, outcomes(answer)) == ("SUCCEEDED", ["UNCHANGED", "UNDONE", "UNDONE"])
    assert world.sql("SELECT status FROM orders WHERE id = 6") == [("written meanwhile",)]
    assert world.sql("SELECT column_name FROM information_schema.columns WHERE table_name = 'orders'") == [
        ("id",),
        ("status",),
    ]
    assert world.record() == [("0001-orders", "APPLIED"), ("0002-total", "UNDONE"), ("0003-index", "UNDONE")]
    assert outcomes(world.run(Ask.APPLY, replace(later, attempt="attempt-3"), "w")) == [
        "UNCHANGED",
        "APPLIED",
        "APPLIED",
    ]


def test_without_an_undo_nothing_is_undone(world: World) -> None:
    whole = document(ORDERS, replace(TOTAL, undo=None))
    world.run(Ask.APPLY, whole, "t")
    answer = world.run(Ask.UNDO, whole, "u")
    assert (answer.state, answer.reason) == ("UNSUPPORTED", "0002-total has no undo")
    assert world.record() == [("0001-orders", "APPLIED"), ("0002-total", "APPLIED")]


def test_an_undo_that_fails_leaves_the_change(world: World) -> None:
    whole = document(replace(ORDERS, undo=change("x", "DROP TABLE nothing").statements))
    world.run(Ask.APPLY, whole, "t")
    answer = world.run(Ask.UNDO, whole, "u")
    assert (answer.state, outcomes(answer)) == ("FAILED", ["FAILED"])
    assert world.record() == [("0001-orders", "APPLIED")]


def test_undo_ends_what_is_still_being_applied(world: World) -> None:
    world.run(Ask.APPLY, document(ORDERS), "t")
    apply = world.begin(Ask.APPLY, document(ORDERS, TOTAL), "u")
    undo = world.begin(Ask.UNDO, document(ORDERS, TOTAL), "v")
    world.work()
    assert world.look(apply.operation).state is OperationState.FAILED
    assert outcomes(world.look(undo.operation)) == ["UNDONE", "UNCHANGED"]
    assert world.record() == [("0001-orders", "UNDONE")]


@pytest.mark.parametrize("control", ["COMMIT", "-- so\nROLLBACK", "/* now */ BEGIN", "end"])
def test_a_change_that_ends_its_transaction_is_refused(world: World, control: str) -> None:
    answer = world.run(Ask.APPLY, document(change("0001", "CREATE TABLE t ()", control, "SELECT 1")), "t")
    assert outcomes(answer) == ["FAILED"]
    assert "expected no BEGIN, COMMIT or ROLLBACK" in answer.reason
    assert world.sql("SELECT to_regclass('t')") == [(None,)]


def test_a_transaction_around_a_whole_change_is_the_executors_own(world: World) -> None:
    framed = change("0001", "BEGIN", "CREATE TABLE t ()", "ROLLBACK TO SAVEPOINT s", "COMMIT")
    assert outcomes(world.run(Ask.APPLY, document(framed), "t")) == ["FAILED"]
    framed = change("0001", "BEGIN", "SAVEPOINT s", "CREATE TABLE t ()", "RELEASE SAVEPOINT s", "COMMIT")
    assert outcomes(world.run(Ask.APPLY, document(framed), "u")) == ["APPLIED"]


def test_two_statements_in_one_are_refused_by_the_server(world: World) -> None:
    answer = world.run(Ask.APPLY, document(change("0001", "CREATE TABLE t (); CREATE TABLE u ()")), "t")
    assert "cannot insert multiple commands" in answer.reason


def test_what_a_change_sets_ends_with_it(world: World) -> None:
    setting = change("0001", "SET search_path = pg_catalog", "SET lock_timeout = '1h'", "CREATE ROLE belay_test_role")
    role = change("0002", "SET ROLE belay_test_role")
    after = change(
        "0003", "CREATE TABLE t AS SELECT current_setting('search_path') s, current_setting('lock_timeout') l"
    )
    try:
        assert outcomes(world.run(Ask.APPLY, document(setting, role, after), "t")) == ["APPLIED"] * 3
        assert world.sql("SELECT s, l FROM public.t") == [('"$user", public', "200ms")]
    finally:
        world.sql("DROP ROLE belay_test_role")


def test_a_lock_that_is_not_got_fails_the_change_after_some_tries(world: World) -> None:
    world.run(Ask.APPLY, document(ORDERS), "t")
    holder = world.executor().connect(world.database)
    holder.begin()
    holder.rows("LOCK TABLE orders")
    answer = world.run(Ask.APPLY, document(ORDERS, TOTAL), "u")
    holder.close()
    assert (answer.state, outcomes(answer)) == ("FAILED", ["APPLIED", "FAILED"])
    assert answer.changes[1].error is not None
    assert answer.changes[1].error.code == "55P03"
    assert outcomes(world.run(Ask.APPLY, document(ORDERS, TOTAL), "v")) == ["APPLIED", "APPLIED"]


def test_an_index_that_could_not_be_built_leaves_nothing(world: World) -> None:
    doubled = change("0001", "CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1), (1)")
    unique = change("0002", "CREATE UNIQUE INDEX CONCURRENTLY t_n ON t (n)", transactional=False)
    answer = world.run(Ask.APPLY, document(doubled, unique), "t")
    assert outcomes(answer) == ["APPLIED", "FAILED"]
    assert world.sql("SELECT to_regclass('t_n')") == [(None,)]


def test_an_index_of_somebody_else_is_not_touched(world: World) -> None:
    world.sql("CREATE TABLE t (n integer)")
    world.sql("CREATE INDEX t_n ON t (n)")
    index = change("0001", "CREATE INDEX CONCURRENTLY t_n ON t (n)", transactional=False)
    assert outcomes(world.run(Ask.APPLY, document(index), "t")) == ["FAILED"]
    assert world.sql("SELECT to_regclass('t_n')::text") == [("t_n",)]


def test_a_change_without_a_transaction_that_fails_half_way_is_unknown(world: World) -> None:
    half = change("0001", "CREATE TABLE t ()", "CREATE TABLE t ()", transactional=False)
    answer = world.run(Ask.APPLY, document(half), "t")
    assert (answer.state, outcomes(answer)) == ("FAILED", ["UNKNOWN"])
    again = world.run(Ask.APPLY, document(half, attempt="attempt-2"), "u")
    assert "0001 is UNKNOWN" in again.reason
    assert "set the outcome of its row in belay.belay_changes" in again.reason
    assert world.run(Ask.UNDO, document(half), "v").state is OperationState.UNSUPPORTED


def test_a_change_of_which_only_the_tool_knows_the_sql_is_refused(world: World) -> None:
    known = change("0001", "dropTable")
    typed = replace(known, statements=(replace(known.statements[0], text=None),))
    assert "expected SQL" in world.run(Ask.APPLY, document(typed), "t").reason


def test_one_executor_at_a_time(world: World) -> None:
    other = world.executor().connect(world.database)
    assert other.take_lock()
    answer = world.run(Ask.APPLY, ALL, "t")
    assert (answer.state, world.started) == (OperationState.RUNNING, [])
    other.close()
    world.look("t")
    world.work()
    assert world.look("t").state is OperationState.SUCCEEDED


def test_what_is_quick_begins_in_the_function_and_what_is_not_in_the_project(world: World) -> None:
    for token, seconds in (("quick", 599), ("long", 600), ("unknown", None)):
        world.begin(Ask.APPLY, document(attempt=token), token, expected_seconds=seconds)
    world.begin(Ask.PROFILE, None, "profile")
    assert world.started == [("quick", True), ("long", False), ("unknown", False), ("profile", True)]


def test_a_worker_that_does_not_come_further_is_given_up(world: World) -> None:
    world.begin(Ask.APPLY, ALL, "t", expected_seconds=1)
    for _ in range(5):
        world.sql("UPDATE belay.belay_operations SET woken = NULL, reason = 'InterfaceError: no route'")
        answer = world.look("t")
    assert [quick for _, quick in world.started] == [True, False, False, False, False]
    assert (answer.state, answer.reason) == (
        "FAILED",
        "a worker was started 5 times and did not come further; the last said: InterfaceError: no route",
    )
    world.work()
    assert world.record() == []


def test_why_a_worker_ended_is_told(world: World) -> None:
    world.begin(Ask.APPLY, ALL, "t")
    world.objects.objects.clear()
    with pytest.raises(KeyError):
        world.work()
    assert world.look("t").reason.startswith("KeyError")


def test_a_worker_that_fails_anywhere_says_why_and_keeps_no_lock(world: World) -> None:
    counted = dying(0)
    world.begin(Ask.APPLY, document(ORDERS), "t")
    world.work(counted)
    for at in range(1, counted.count + 1):
        world.sql("DROP SCHEMA belay CASCADE; DROP TABLE IF EXISTS orders")
        world.begin(Ask.APPLY, document(ORDERS), "t")
        with pytest.raises(RuntimeError):
            world.work(dying(at, RuntimeError))
        answer = world.look("t")
        assert answer.state is OperationState.SUCCEEDED or answer.reason.startswith("RuntimeError"), at


def test_an_operation_that_was_not_begun_is_refused(world: World) -> None:
    assert world.look("nothing").state is OperationState.REFUSED


def test_a_document_that_is_not_the_named_one_is_refused(world: World) -> None:
    begun: Callable[..., Any] = lambda: world.begin(Ask.APPLY, ALL, "t")  # noqa: E731
    original = world.objects.put
    world.objects.put = lambda data: replace(original(data), sha256="0" * 64)  # type: ignore[method-assign]
    assert "expected the SHA-256 0000" in begun().reason
    world.objects.put = lambda data: replace(original(data), bucket="other")  # type: ignore[method-assign]
    assert "expected an object of the bucket artifacts, found other" in begun().reason
