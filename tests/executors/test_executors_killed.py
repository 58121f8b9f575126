"""A worker killed before or after any of its statements: the next one reaches the same end, and does nothing twice."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from postgres_world import Killed, World, change, document, dying

from belay.database.executor import Ask, OperationAnswer, OperationState
from local.postgres import Address

ORDERS = change(
    "0001-orders",
    "CREATE TABLE orders (id serial PRIMARY KEY, status text)",
    "INSERT INTO orders (status) SELECT 'new' FROM generate_series(1, 3)",
    undo=("DROP TABLE orders",),
)
MORE = change(
    "0002-more",
    "INSERT INTO orders (status) VALUES ('once')",
    undo=("DELETE FROM orders WHERE status = 'once'",),
)
INDEX = change(
    "0003-index",
    "CREATE INDEX CONCURRENTLY orders_status ON orders (status)",
    "CREATE INDEX CONCURRENTLY orders_both ON orders (status, id)",
    undo=("DROP INDEX CONCURRENTLY orders_both", "DROP INDEX CONCURRENTLY orders_status"),
    transactional=False,
)
MOST_LOOKS = 20
ALL = document(ORDERS, MORE, INDEX, queries=("SELECT count(*) FROM pg_class WHERE relname = $1",))


def end(world: World, ask: Ask, prepare: Callable[[World], object], at: int) -> tuple[Any, int]:
    """The database and the response in the end, and the number of the first worker's statements with an effect.

    That worker is killed after the statement ``at``, if it is not 0.
    """
    renew(world)
    prepare(world)
    world.begin(ask, ALL, "t")
    kind = dying(at)
    with pytest.raises(Killed) if at else nullcontext():
        world.work(kind)
    return finished(world), kind.count


def renew(world: World) -> None:
    for statement in ("DROP SCHEMA IF EXISTS belay CASCADE", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
        world.sql(statement)


def finished(world: World) -> Any:
    """Poll until the operation is over, as Belay does, without its pauses."""
    answer = world.look("t")
    for _ in range(MOST_LOOKS):
        if answer.state is not OperationState.RUNNING:
            break
        world.sql("UPDATE belay.belay_operations SET woken = NULL")
        answer = world.look("t")
        world.work()
    assert answer.state is not OperationState.RUNNING, f"still running after {MOST_LOOKS} looks: {answer}"
    return (
        comparable(answer),
        world.sql("SELECT id, position, digest, attempt, outcome FROM belay.belay_changes ORDER BY position"),
        world.sql("SELECT relname FROM pg_class WHERE relname LIKE 'orders%' ORDER BY 1"),
        rows(world),
    )


def comparable(answer: OperationAnswer) -> Any:
    """The response without times, which differ."""
    return [
        (each.id, each.outcome, each.locks, each.rewritten, each.rows, each.undo and each.undo.restored)
        for each in answer.changes
    ], (answer.state, answer.reason, answer.queries and answer.queries[0].error)


def rows(world: World) -> Any:
    if world.sql("SELECT to_regclass('public.orders')") == [(None,)]:
        return None
    return world.sql("SELECT status, count(*) FROM orders GROUP BY 1 ORDER BY 1")


def nothing(world: World) -> None:
    """The database is empty."""


def applied(world: World) -> None:
    world.run(Ask.APPLY, ALL, "before")


@pytest.mark.parametrize(("ask", "prepare"), [(Ask.APPLY, nothing), (Ask.UNDO, applied), (Ask.FORECAST, nothing)])
def test_a_worker_may_be_killed_anywhere(empty_database: Address, ask: Ask, prepare: Callable[[World], object]) -> None:
    world = World(empty_database)
    expected, statements = end(world, ask, prepare, at=0)
    assert statements > 10
    for at in range(1, statements + 1):
        found, _ = end(world, ask, prepare, at)
        assert found == expected, f"killed after statement {at} of {statements}"


def test_a_statement_that_leaves_no_trace_is_left_to_a_person(empty_database: Address) -> None:
    world = World(empty_database)
    counted = change("0001", "CREATE SEQUENCE s", "UPDATE t SET n = n + 1", transactional=False)
    world.sql("CREATE TABLE t AS SELECT 0 AS n")
    kind = dying(0)
    world.begin(Ask.APPLY, document(counted), "t")
    world.work(kind)
    found = set()
    for at in range(1, kind.count + 1):
        renew(world)
        world.sql("CREATE TABLE t AS SELECT 0 AS n")
        world.begin(Ask.APPLY, document(counted), "t")
        with pytest.raises(Killed):
            world.work(dying(at))
        finished(world)
        (outcome,) = (each.outcome.value for each in world.look("t").changes)
        ((times,),) = world.sql("SELECT n FROM t")
        found.add((outcome, times))
    assert found == {("APPLIED", 1), ("UNKNOWN", 0), ("UNKNOWN", 1)}
