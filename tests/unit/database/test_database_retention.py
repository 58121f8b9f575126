"""Which release snapshots are kept and which are deleted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from belay.database.instance import INSTANCE
from belay.database.retention import SPARE, Need, Quota, ours, retain
from belay.database.snapshots import Snapshot, snapshot_tags

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
EXECUTIONS = "arn:aws:states:eu-west-1:111122223333:execution:belay-deploy-stage:"


def snapshot(number: int, source: str = "orders-db", **more: Any) -> Snapshot:
    values = {
        "kind": INSTANCE,
        "name": f"{source}-{number}",
        "source": source,
        "status": "available",
        "created": FIRST + timedelta(days=number),
        "tags": snapshot_tags("orders", "production", f"1.{number}.0", f"{EXECUTIONS}x"),
    }
    return Snapshot(**values | more)


def taken(count: int, source: str = "orders-db") -> tuple[Snapshot, ...]:
    return tuple(snapshot(number, source) for number in range(count))


def names(*numbers: int, source: str = "orders-db") -> tuple[str, ...]:
    return tuple(f"{source}-{number}" for number in numbers)


@pytest.mark.parametrize(
    "somebody_elses",
    [
        {"manual": False},
        {"status": "creating"},
        {"status": "failed"},
        {"created": None},
        {"tags": {}},
        {"tags": snapshot_tags("orders", "production", "1.0.0")},
        {"tags": {"belay:execution": f"{EXECUTIONS}x"}},
        {"tags": snapshot_tags("orders", "production", "1.0.0", EXECUTIONS.replace("belay-", "other-") + "x")},
    ],
)
def test_what_is_not_ours_is_not_looked_at(somebody_elses: dict[str, Any]) -> None:
    assert ours([snapshot(1, **somebody_elses)], EXECUTIONS) == ()


def test_ours_are_told_oldest_first() -> None:
    assert ours(reversed(taken(3)), EXECUTIONS) == taken(3)


def test_the_newest_of_each_database_stay() -> None:
    both = sorted((*taken(4), *taken(3, "billing-db")), key=lambda each: (each.created, each.name))
    retention = retain(both, 2, {}, None)
    assert set(retention.deleted) == {*names(0, 1), *names(0, source="billing-db")}
    assert set(retention.kept) == {*names(2, 3), *names(1, 2, source="billing-db")}


def test_what_is_needed_stays_whatever_its_age() -> None:
    needed = {
        ("orders", "production", "1.0.0"): Need.LAST_KNOWN_GOOD,
        ("orders", "production", "1.2.0"): Need.UNDER_WAY,
        ("orders", "test", "1.1.0"): Need.UNDER_WAY,
    }
    retention = retain(taken(6), 1, needed, None)
    assert retention.deleted == names(1, 3, 4)
    assert retention.kept["orders-db-0"] == Need.LAST_KNOWN_GOOD
    assert retention.kept["orders-db-2"] == Need.UNDER_WAY


def test_near_the_quota_more_go_the_oldest_first() -> None:
    quota = Quota(used=98, most=100)
    assert retain(taken(12), 10, {}, quota).deleted == names(*range(8))
    assert retain(taken(12), 10, {}, Quota(used=100 - SPARE + 2, most=100)).deleted == names(0, 1)
    assert retain(taken(12), 10, {}, Quota(used=50, most=100)).deleted == names(0, 1)


def test_near_the_quota_the_newest_and_the_needed_stay_and_what_is_too_many_is_told() -> None:
    needed = {("orders", "production", "1.0.0"): Need.LAST_KNOWN_GOOD}
    retention = retain(taken(4), 10, needed, Quota(used=100, most=100))
    assert retention.deleted == names(1, 2)
    assert set(retention.kept) == {*names(0, 3)}
    assert retention.too_many == SPARE - 2


def test_a_database_always_keeps_one() -> None:
    assert retain(taken(1), 0, {}, Quota(used=100, most=100)).deleted == ()
