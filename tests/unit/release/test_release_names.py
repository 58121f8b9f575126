import re
from collections.abc import Callable
from functools import partial

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.database.kinds import KINDS
from belay.release.key import application_of
from belay.release.names import (
    change_set_name,
    client_request_token,
    ephemeral_stack_name,
    execution_name,
    executions_beside,
    snapshot_name,
    stage_suffix,
    successor_of,
)


def test_what_they_look_like() -> None:
    assert change_set_name("orders", "production", "1.2.0-rc.1", "network", "17") == (
        "orders-production-1-2-0-rc-1-network-17-ddb70a03280b"
    )
    assert snapshot_name(63, "orders", "production", "1.2.0", "Orders-DB", "x") == (
        "orders-production-1-2-0-orders-db-x-2033f23e4acf"
    )


def test_an_ephemeral_stacks_name_leaves_room_for_the_names_made_from_it() -> None:
    assert ephemeral_stack_name("orders-test-service", "1.0.0", "6f1a0c4f3c7f2a55") == (
        "orders-test-service-1-0-0-55e9a0b36c3a"
    )


def modelled(operation: str, member: str) -> re.Pattern[str]:
    """The pattern that botocore's model of CloudFormation has for a name; its length is checked separately."""
    service = botocore.session.get_session().get_service_model("cloudformation")
    shape = service.operation_model(operation).input_shape
    assert shape is not None
    assert shape.members[member].metadata["max"] == 128
    return re.compile(shape.members[member].metadata["pattern"])


SNAPSHOT = re.compile(r"[a-z](-?[a-z0-9])*")
STACK = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
EXECUTION = re.compile(r"[0-9A-Za-z-]+")
RULES: dict[str, tuple[Callable[..., str], int, int, re.Pattern[str]]] = {
    "change set": (change_set_name, 5, 128, modelled("CreateChangeSet", "ChangeSetName")),
    "token": (client_request_token, 6, 128, modelled("ExecuteChangeSet", "ClientRequestToken")),
    "token of a rollback": (client_request_token, 6, 128, modelled("RollbackStack", "ClientRequestToken")),
    **{
        kind.snapshot.noun: (
            partial(snapshot_name, kind.longest_snapshot_name),
            5,
            kind.longest_snapshot_name,
            SNAPSHOT,
        )
        for kind in KINDS.values()
    },
    "ephemeral stack": (ephemeral_stack_name, 3, 50, STACK),
    "execution": (execution_name, 4, 80, EXECUTION),
}

rules = pytest.mark.parametrize(("name", "count", "longest", "pattern"), RULES.values(), ids=RULES.keys())
part = st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9-]{0,60}", fullmatch=True)


@rules
@given(data=st.data())
def test_aws_accepts_them(
    data: st.DataObject, name: Callable[..., str], count: int, longest: int, pattern: re.Pattern[str]
) -> None:
    parts = data.draw(st.lists(part, min_size=count, max_size=count))

    assert pattern.fullmatch(name(*parts))
    assert len(name(*parts)) <= longest
    assert name(*parts) == name(*parts)


@rules
def test_other_parts_give_another_name(
    name: Callable[..., str], count: int, longest: int, pattern: re.Pattern[str]
) -> None:
    last = ["x"] * (count - 2)
    alike = [
        ("1.0", "0"),
        ("1", "0.0"),
        ("1-0", "0"),
        ("1", "0-0"),
        ("1-0-0", ""),
        ("", "1-0-0"),
        ("a", "b"),
        ("A", "b"),
    ]
    alike += [("a" * 300, "b"), ("a" * 301, "b"), ("1.0", "0 ")]

    assert len({name(*parts, *last).lower() for parts in alike}) == len(alike)


KEYS = {
    "releases/orders/1.0.0.zip": "orders",
    "releases/orders/anything at all.zip": "orders",
    "releases/orders/2026/11/orders.zip": "orders",
    "releases/Web-Shop2/x.zip": "Web-Shop2",
    "releases/orders/.zip": None,
    "releases/orders/x/.zip": None,
    "releases/orders/x.ZIP": None,
    "releases/orders/x.zip.sha256": None,
    "releases/orders/x.tar.gz": None,
    "releases/orders.zip": None,
    "releases//x.zip": None,
    "releases/../x.zip": None,
    "releases/or ders/x.zip": None,
    "releases/1orders/x.zip": None,
    f"releases/{'a' * 41}/x.zip": None,
    "Releases/orders/x.zip": None,
    "other/releases/orders/x.zip": None,
    "releases/orders/": None,
    "": None,
}


@pytest.mark.parametrize(("key", "application"), KEYS.items())
def test_keys_of_releases(key: str, application: str | None) -> None:
    assert application_of(key) == application


def test_the_executions_that_continue_a_release_are_numbered() -> None:
    attempt, arn = "0123456789ab", "arn:aws:states:eu-west-1:111122223333:execution:belay-deploy-release:"
    assert stage_suffix(attempt, f"{arn}5ca11812-63f9-46da-b37b-ca9e3b61d075") == ""
    assert successor_of(attempt, f"{arn}5ca11812-63f9-46da-b37b-ca9e3b61d075") == (f"{attempt}-2", "-2")
    assert stage_suffix(attempt, f"{arn}{attempt}-2") == "-2"
    assert executions_beside(f"{arn}{attempt}-2") == arn
    assert successor_of(attempt, f"{arn}{attempt}-2") == (f"{attempt}-3", "-3")
