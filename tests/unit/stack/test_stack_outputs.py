"""Outputs compared with earlier ones, once the ids of replaced resources are mapped."""

from typing import Any

from belay.stack.outputs import ChangedOutput, Output, changed_outputs, outputs_of, replaced_ids, shown_outputs

ROOT = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service/1"
CHILD = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service-Child-ABC/2"


def compared(before: dict[str, Output], now: dict[str, Output], **replaced: str) -> list[ChangedOutput]:
    return list(changed_outputs(before, now, replaced, lambda name: name == "Stream"))


def test_outputs_are_read_with_their_exports() -> None:
    listed: list[dict[str, Any]] = [
        {"OutputKey": "Arn", "OutputValue": "a", "ExportName": "orders-arn"},
        {"OutputKey": "Url", "OutputValue": "u"},
    ]
    assert outputs_of({"Outputs": listed}) == {"Arn": Output("a", "orders-arn"), "Url": Output("u")}
    assert outputs_of({}) == {}


def test_an_output_that_tells_of_a_replaced_resource_is_explained() -> None:
    before = {"Topic": Output("arn:topic-1", "t"), "Both": Output("topic-1/topic-12"), "Stream": Output("stream/2020")}
    now = {"Topic": Output("arn:topic-3", "t"), "Both": Output("topic-3/topic-12"), "Stream": Output("stream/2026")}
    found = compared(before, now, **{"topic-1": "topic-3", "topic-12": "topic-12"})
    assert [(each.name, each.explained) for each in found] == [("Both", True), ("Stream", True), ("Topic", True)]
    assert compared(before, before) == []


def test_any_other_difference_is_not() -> None:
    before = {"Gone": Output("1", "g"), "Renamed": Output("topic-1", "old"), "Value": Output("1")}
    now = {"New": Output("1"), "Renamed": Output("topic-3", "new"), "Value": Output("2")}
    found = {each.name: each for each in compared(before, now, **{"topic-1": "topic-3"})}
    assert {name for name, each in found.items() if not each.explained} == {"Gone", "New", "Renamed", "Value"}
    assert found["Renamed"].exports == ("old", "new")
    assert found["Gone"].exports == ("g",)
    assert found["Gone"].in_words() == "the output Gone was “1” and is not there"


def test_the_former_ids_of_replaced_resources_are_those_of_the_events() -> None:
    def event(second: int, name: str, physical_id: str, stack: str = ROOT) -> dict[str, Any]:
        known = {"StackId": stack, "LogicalResourceId": name, "PhysicalResourceId": physical_id}
        return known | {"ResourceStatus": "UPDATE_COMPLETE", "Timestamp": f"2026-11-28T08:00:{second:02}+00:00"}

    events = {
        ROOT: [event(3, "Topic", "topic-2"), event(2, "Topic", "topic-1"), event(1, "Queue", "queue")],
        CHILD: [event(1, "Role", "role-1", CHILD)],
    }
    resources = {
        ROOT: [
            {"LogicalResourceId": "Topic", "PhysicalResourceId": "topic-3"},
            {"LogicalResourceId": "Queue", "PhysicalResourceId": "queue"},
        ],
        CHILD: [{"LogicalResourceId": "Role", "PhysicalResourceId": "role-2"}],
    }
    assert replaced_ids(events, resources) == {"topic-1": "topic-3", "topic-2": "topic-3", "role-1": "role-2"}


TEMPLATE = b"""
Parameters: {Pin: {Type: String, NoEcho: true}}
Resources:
  Door: {Type: Custom::Door, Properties: {Lock: !Ref Pin, Colour: red}}
Outputs:
  Key: {Value: !Sub "key-${Pin}"}
  Lock: {Value: !GetAtt Door.Lock}
  Colour: {Value: !GetAtt Door.Colour}
  DoorToken: {Value: abc}
"""


def test_an_output_that_contains_a_secret_is_not_shown() -> None:
    outputs = {name: Output("hunter2", "exported") for name in ("Key", "Lock", "Colour", "DoorToken")}
    shown = shown_outputs(outputs, [TEMPLATE])
    assert {name: each.value for name, each in shown.items()} == {
        "Key": "****",
        "Lock": "****",
        "Colour": "hunter2",
        "DoorToken": "****",
    }
    assert {each.export for each in shown.values()} == {"exported"}
    assert {each.value for each in shown_outputs(outputs, [b"["]).values()} == {"****"}
