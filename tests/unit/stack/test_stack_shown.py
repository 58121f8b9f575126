"""What people see of a change set: no secret value, whatever names it, and everything else."""

import json
from dataclasses import replace

import pytest

from belay.masking import MASK
from belay.stack.change_set import Change, ChangeSet, Detail
from belay.stack.shown import without_secrets
from belay.template.loader import load
from belay.template.no_echo import secret_places

SECRET = "hunter2"
TEMPLATE = """\
Parameters:
  Pin: {Type: String, NoEcho: true}
  Plain: {Type: String}
Conditions:
  Always: !Equals [a, a]
Resources:
  Direct:
    Type: Custom::Thing
    Properties: {Door: !Ref Pin, Window: !Ref Plain}
  Joined:
    Type: Custom::Thing
    Properties:
      Door: !Join [":", [user, !Sub "${Pin}@host"]]
      Rooms:
        - {Lock: !If [Always, !Ref Pin, none], Colour: red}
      Seen: !Sub ["${Code}", {Code: !Select [0, !Split [",", !Ref Pin]]}]
      Escaped: !Sub "${!Pin}"
  Reader:
    Type: Custom::Thing
    Properties: {Door: !GetAtt Direct.Door, Other: !GetAtt Direct.Window}
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: https://example.com/a, Parameters: {Given: !Ref Pin, Open: !Ref Plain}}
  AfterChild:
    Type: Custom::Thing
    Properties: {Door: !GetAtt Child.Outputs.Anything}
  Fetched:
    Type: Custom::Thing
    Properties: {Door: "{{resolve:secretsmanager:orders:SecretString:door}}", Floor: "{{resolve:ssm:/orders/floor:1}}"}
"""


def test_a_secret_is_followed_through_every_expression() -> None:
    found = {
        name: {"/".join(path) for path in paths} for name, paths in secret_places(load(TEMPLATE.encode(), "t")).items()
    }
    assert found == {
        "Direct": {"Door"},
        "Joined": {"Door", "Rooms/*/Lock", "Seen"},
        "Reader": {"Door"},
        "Child": {"Parameters/Given"},
        "AfterChild": {"Door"},
        "Fetched": {"Door"},
    }


def change_set(*changes: Change, nested: tuple[ChangeSet, ...] = (), name: str = "root") -> ChangeSet:
    return ChangeSet(
        stack_id="stack",
        stack_name="orders",
        change_set_id=name,
        name=name,
        status="CREATE_COMPLETE",
        execution_status="AVAILABLE",
        reason=None,
        parameters={"Pin": SECRET, "Plain": "seen", "DatabasePassword": SECRET, "SecretArn": "arn:aws:x"},
        resolved={"Pin": SECRET},
        changes=changes,
        nested=nested,
    )


def added(name: str, kind: str = "Custom::Thing", **properties: object) -> Change:
    return Change(name, kind, "Add", after=json.dumps({"Properties": properties}))


def shown(*changes: Change, template: str = TEMPLATE) -> list[dict[str, object]]:
    masked = without_secrets(change_set(*changes), {"root": [load(template.encode(), "t")]})
    return [json.loads(each.after or "{}")["Properties"] for each in masked.changes]


def test_values_that_come_from_a_no_echo_parameter_are_not_shown() -> None:
    assert shown(
        added("Direct", Door=SECRET, Window="seen"),
        added("Joined", Door=f"user:{SECRET}@host", Rooms=[{"Lock": SECRET, "Colour": "red"}], Escaped="${Pin}"),
    ) == [
        {"Door": MASK, "Window": "seen"},
        {"Door": MASK, "Rooms": [{"Lock": MASK, "Colour": "red"}], "Escaped": "${Pin}"},
    ]


def test_parameters_are_hidden_by_no_echo_and_by_name() -> None:
    masked = without_secrets(change_set(), {"root": [load(TEMPLATE.encode(), "t")]})
    assert masked.parameters == {"Pin": MASK, "Plain": "seen", "DatabasePassword": MASK, "SecretArn": "arn:aws:x"}
    assert masked.resolved == {"Pin": MASK}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            added("Db", "AWS::RDS::DBInstance", MasterUserPassword=SECRET, DBInstanceClass="db.t4g.micro"),
            {"MasterUserPassword": MASK, "DBInstanceClass": "db.t4g.micro"},
        ),
        (added("User", "AWS::IAM::User", LoginProfile={"Password": SECRET}), {"LoginProfile": {"Password": MASK}}),
        (added("Mq", "AWS::AmazonMQ::Broker", Users=[{"Username": SECRET}]), {"Users": [{"Username": MASK}]}),
        (
            added(
                "Task",
                "AWS::ECS::TaskDefinition",
                Environment=[{"Name": "API_KEY", "Value": SECRET}, {"Name": "A", "Value": "1"}],
            ),
            {"Environment": [{"Name": "API_KEY", "Value": MASK}, {"Name": "A", "Value": "1"}]},
        ),
        (
            added("Any", AuthToken=SECRET, TokenArn="arn:aws:x", ManagePassword="true"),
            {"AuthToken": MASK, "TokenArn": "arn:aws:x", "ManagePassword": "true"},
        ),
        (added("Any", Tokens=[SECRET]), {"Tokens": [MASK]}),
        (added("Any", Script=f"export DB_PASSWORD={SECRET}\nrun"), {"Script": f"export DB_PASSWORD={MASK}\nrun"}),
        (added("Any", Password="{{resolve:secretsmanager:orders}}"), {"Password": "{{resolve:secretsmanager:orders}}"}),
    ],
)
def test_write_only_properties_and_names_that_sound_secret_are_not_shown(change: Change, expected: object) -> None:
    assert shown(change, template="Resources: {}") == [expected]


def test_details_are_masked_by_their_path() -> None:
    def detail(path: str, value: str) -> Detail:
        return Detail("Properties", path.split("/")[2], "Never", None, None, None, path, value, value)

    change = Change(
        "Joined",
        "Custom::Thing",
        "Modify",
        details=(
            detail("/Properties/Rooms/0/Lock", SECRET),
            detail("/Properties/Rooms", json.dumps([{"Lock": SECRET, "Colour": "red"}])),
            detail("/Properties/Other", "seen"),
            replace(detail("/Properties/Door", SECRET), path=None),
        ),
    )
    masked = without_secrets(change_set(change), {"root": [load(TEMPLATE.encode(), "t")]}).changes[0]
    values = [MASK, json.dumps([{"Lock": MASK, "Colour": "red"}]), "seen", MASK]
    assert [each.before for each in masked.details] == [each.after for each in masked.details] == values


def test_a_nested_stack_hides_what_its_parent_passes_although_it_does_not_declare_it_secret() -> None:
    child = (
        "Parameters: {Given: {Type: String}, Open: {Type: String}}\n"
        "Resources: {Deep: {Type: 'Custom::A', Properties: {A: !Ref Given, B: !Ref Open}}}"
    )
    inner = change_set(added("Deep", A=SECRET, B="seen"), name="child")
    inner = replace(inner, parameters={"Given": SECRET, "Open": "seen"}, resolved={})
    outer = Change("Child", "AWS::CloudFormation::Stack", "Add", nested_change_set="child")

    masked = without_secrets(
        change_set(outer, nested=(inner,)),
        {"root": [load(TEMPLATE.encode(), "t")], "child": [load(child.encode(), "c")]},
    )

    assert SECRET not in str(masked)
    assert masked.nested[0].parameters == {"Given": MASK, "Open": "seen"}
    assert json.loads(masked.nested[0].changes[0].after or "") == {"Properties": {"A": MASK, "B": "seen"}}


def test_the_template_that_the_stack_has_counts_as_well() -> None:
    """The old value is shown beside the new one."""
    old, new = load(TEMPLATE.encode(), "old"), load(b"Resources: {}", "new")
    change = Change("Direct", "Custom::Thing", "Remove", before=json.dumps({"Properties": {"Door": SECRET}}))
    assert SECRET not in str(without_secrets(change_set(change), {"root": [new, old]}))


def test_without_a_readable_template_no_value_is_shown() -> None:
    masked = without_secrets(change_set(added("Direct", Anything=SECRET, Deep={"A": [SECRET]})), {"root": [None]})
    assert SECRET not in str(masked)
    assert set(masked.parameters.values()) == {MASK}
