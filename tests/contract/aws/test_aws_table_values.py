"""Parameters whose values are in tables, read when a stage is planned, on an AWS simulated by moto."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from simulated_ledger import remembered
from test_aws_unfinished import MANIFEST, RELEASE, STAGE, House

from belay.aws.dynamodb import ParameterTables
from belay.aws.gateways import own_aws
from belay.control.reasons import read_reason
from belay.control.stage import StageContext
from belay.errors import AccessDenied, InvalidRelease
from belay.notify.told import in_words
from belay.release.accepted import AcceptedRelease

KEY = {"Owner": "orders/production", "Item": "orders"}
SOURCE = "{table: parameters, key: {Owner: orders/production, Item: orders}, attribute: Version}"
TEMPLATE = "Parameters: {Version: {Type: Number, Default: 0}}\nResources: {Topic: {Type: AWS::SNS::Topic}}"


@pytest.fixture
def house(simulated: Callable[[str], Any]) -> Iterator[House]:
    own_aws.cache_clear()
    house = House(simulated)
    house.accept()
    registered(house, SOURCE)
    house.dynamodb.create_table(
        TableName="parameters",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in KEY],
        KeySchema=[
            {"AttributeName": "Owner", "KeyType": "HASH"},
            {"AttributeName": "Item", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    yield house
    own_aws.cache_clear()


def registered(house: House, *sources: str) -> None:
    """Accept the release with parameters from these places."""
    names = ("Version", "Other")[: len(sources)]
    given = ", ".join(f"{name}: {source}" for name, source in zip(names, sources, strict=True))
    production = STAGE.replace("orders-network}", f"orders-network, parameters: {{{given}}}}}")
    stages = {"test": STAGE + "ephemeral: true\n", "production": production}
    declared = {"network.yaml": dict.fromkeys(names, True)}
    document = AcceptedRelease.of("orders", MANIFEST, "stages: [test, production]\n", stages, declared)
    house.artifacts.put_json(RELEASE.document_key, document.to_dict())


def publish(house: House, **attributes: dict[str, Any]) -> None:
    key = {name: {"S": value} for name, value in KEY.items()}
    house.dynamodb.put_item(TableName="parameters", Item={**key, **attributes})


def enter() -> StageContext:
    return StageContext.enter({"release": RELEASE.to_dict(), "stage": "production"}, *remembered())


def version(run: StageContext) -> str:
    (stack,) = run.accepted.manifest.stacks
    return run.accepted.parameters("production", stack, RELEASE.attempt, "artifacts", RELEASE.prefix)["Version"]


def test_a_table_is_read_once_and_what_it_had_is_kept(house: House) -> None:
    publish(house, Version={"N": "7"})
    house.cloudformation.create_stack(
        StackName="orders-network",
        TemplateBody=TEMPLATE,
        Parameters=[{"ParameterKey": "Version", "ParameterValue": "6"}],
    )

    run = enter().read_tables(own_aws())
    assert version(run) == "7"
    publish(house, Version={"N": "8"})
    assert version(enter()) == "7", "a later step has what the plan was made with"
    again = enter().read_tables(own_aws())
    assert (version(again), again.stage) == ("7", run.stage)
    read = again.stage.stacks["network"].from_tables["Version"]
    assert (read.value, read.former) == ("7", "6")


def test_a_stack_that_is_not_there_yet_had_no_value(house: House) -> None:
    publish(house, Version={"S": "2026-03-02"})
    run = enter().read_tables(own_aws())
    read = run.stage.stacks["network"].from_tables["Version"]
    assert (read.value, read.former) == ("2026-03-02", None)


def test_what_cannot_be_read_refuses_the_release_with_every_reason(house: House) -> None:
    publish(house, Values={"M": {}})
    registered(house, SOURCE, SOURCE.replace("parameters", "nothing"))
    with pytest.raises(InvalidRelease) as refused:
        enter().read_tables(own_aws())
    (carried,) = refused.value.problems
    told = in_words(read_reason(house.artifacts, {"Error": "InvalidRelease", "Cause": carried}))
    assert (
        "production: stacks.network.parameters.Version: expected Version of Item orders, Owner orders/production in "
        "the table parameters, but the item has only Item, Owner, Values" in told
    )
    assert "production: stacks.network.parameters.Other: there is no table nothing" in told
    publish(house, Version={"N": "1"})
    registered(house, SOURCE.replace("Item: orders", "Other: orders"))
    with pytest.raises(InvalidRelease):
        enter().read_tables(own_aws())


def test_what_may_not_be_read_is_a_fault_and_no_verdict(stubbed: Callable[[str], Any]) -> None:
    client, stub = stubbed("dynamodb")
    stub.add_client_error("get_item", "AccessDeniedException", "not authorized to perform: dynamodb:GetItem")
    with pytest.raises(AccessDenied, match="not authorized"):
        ParameterTables(client).item("parameters", KEY)
