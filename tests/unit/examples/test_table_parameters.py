"""Parameters in a table: immutable versions, found by a custom resource, isolated by team."""

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from cfnlint.decode import decode_str
from custom_resource_requests import REGION, Answers, request

from belay.aws.dynamodb import ParameterTables
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Verdict
from belay.release.table_values import text_of
from cli.__main__ import main
from cli.registration_files import checked, filled, read_files
from cli.validate import Inputs, validate
from packs.check_templates.validator import Validator

FOLDER = Path("examples/table_parameters")
TEMPLATES = [FOLDER / "table.yaml", FOLDER / "lookup.yaml", FOLDER / "release" / "service.yaml"]
OWNER = "orders/production"
VALUES = json.loads((FOLDER / "orders.json").read_text())


def read(text: str) -> dict[str, Any]:
    """A template, its short forms as their long ones."""
    found, _ = decode_str(text)
    assert found is not None
    return dict(found)


TABLE = read((FOLDER / "table.yaml").read_text())["Resources"]["Table"]["Properties"]
LOOKUP = read((FOLDER / "lookup.yaml").read_text())["Resources"]


@pytest.fixture
def publishing(function: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """``publish.py``, with the example's table on an AWS simulated by moto."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("TABLE_NAME", "parameters-shared")
    monkeypatch.syspath_prepend(str(FOLDER))
    simulated = {**TABLE, "TableName": "parameters-shared", "SSESpecification": {"Enabled": True}}
    del simulated["PointInTimeRecoverySpecification"]
    boto3.client("dynamodb").create_table(**simulated)
    yield function("publish")
    sys.modules.pop("publish")


def published(publishing: ModuleType, values: Mapping[str, Any], application: str = "orders") -> list[str]:
    table = boto3.resource("dynamodb").Table("parameters-shared")
    return list(publishing.publish(table, OWNER, application, values))


def looked_up(function: Callable[[str], ModuleType], answers: Answers, **properties: Any) -> dict[str, Any]:
    """The custom resource's response."""
    asked = {"Owner": OWNER, "Application": "orders", "Version": "1", **properties}
    function("look_up_table").handler(request(answers, "Create", **asked), None)
    return answers[-1]


# -- publishing --------------------------------------------------------------------------------------------------------


def test_what_is_published_says_what_changes_and_older_versions_stay(publishing: ModuleType) -> None:
    assert published(publishing, VALUES) == [
        "  Carriers: - -> acme,globex",
        "  RetentionSeconds: - -> 345600",
        "  Timeouts.Connect: - -> 5",
        "  Timeouts.Visibility: - -> 60",
        "orders/production orders version 1 is published; the next release takes it",
    ]
    assert published(publishing, VALUES) == ["version 1 has these values: nothing to publish"]
    assert published(publishing, {**VALUES, "RetentionSeconds": 60, "Carriers": []}) == [
        "  Carriers: acme,globex -> ",
        "  RetentionSeconds: 345600 -> 60",
        "orders/production orders version 2 is published; the next release takes it",
    ]
    items = {each["Item"]: each for each in boto3.resource("dynamodb").Table("parameters-shared").scan()["Items"]}
    assert items.keys() == {"orders", "orders#00000001", "orders#00000002"}
    assert items["orders"]["Version"] == 2
    assert items["orders#00000001"]["Values"] == VALUES


@pytest.mark.parametrize("before", [[], [VALUES]])
def test_of_two_who_publish_at_the_same_time_one_is_refused(
    publishing: ModuleType, monkeypatch: pytest.MonkeyPatch, before: list[dict[str, Any]]
) -> None:
    for values in before:
        published(publishing, values)
    table = boto3.resource("dynamodb").Table("parameters-shared")
    seen = {item: publishing._item(table, OWNER, item) for item in ("orders", "orders#00000001")}
    published(publishing, {"RetentionSeconds": 120})
    monkeypatch.setattr(publishing, "_item", lambda table, owner, item: seen[item])

    with pytest.raises(publishing.InvalidValuesError, match="somebody else published meanwhile"):
        published(publishing, {"RetentionSeconds": 180})
    assert table.scan(Select="COUNT")["Count"] == len(before) + 2


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"DbPassword": "hush"}, "DbPassword: a secret does not belong here, but into Secrets Manager"),
        ({"Mail": {"ApiKey": "hush"}}, "Mail.ApiKey: a secret does not belong here"),
        ({"Time-Out": 1}, "'Time-Out': expected a name of letters and digits"),
        ({"Zones": ["a,b"]}, "Zones: an item of a list may have no comma, found 'a,b'"),
        ({"Zones": [["a"]]}, "Zones: expected a text, a number"),
        ({"Size": None}, "Size: expected a text, a number, true or false, a list or a mapping, found None"),
    ],
)
def test_what_no_template_can_have_is_refused(publishing: ModuleType, values: dict[str, Any], problem: str) -> None:
    with pytest.raises(publishing.InvalidValuesError, match=re.escape(problem)):
        published(publishing, values)
    assert boto3.resource("dynamodb").Table("parameters-shared").scan()["Items"] == []


@pytest.mark.parametrize(
    ("owner", "application"), [("orders", "a"), ("orders/", "a"), ("orders/a/b", "a"), (OWNER, "a#1")]
)
def test_a_key_that_would_be_another_s_is_refused(publishing: ModuleType, owner: str, application: str) -> None:
    with pytest.raises(publishing.InvalidValuesError, match="expected an owner such as orders/production and a name"):
        list(publishing.publish(boto3.resource("dynamodb").Table("parameters-shared"), owner, application, VALUES))


@pytest.mark.parametrize(("text", "problem"), [("[1]", "expected a mapping"), ("{", "expected a file of JSON")])
def test_a_file_that_is_none_is_told(
    publishing: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, problem: str
) -> None:
    (tmp_path / "orders.json").write_text(text)
    monkeypatch.setattr(
        sys, "argv", ["publish.py", "parameters-shared", OWNER, "orders", str(tmp_path / "orders.json")]
    )
    assert problem in publishing.main()


# -- looking up --------------------------------------------------------------------------------------------------------


def test_every_value_is_found_in_the_version_that_is_asked_for(
    publishing: ModuleType, function: Callable[[str], ModuleType], answers: Answers
) -> None:
    published(publishing, {**VALUES, "Public": True})
    published(publishing, {"RetentionSeconds": 60})
    first = looked_up(function, answers)
    assert (first["Status"], first["PhysicalResourceId"]) == ("SUCCESS", "parameters-shared/orders/production/orders")
    assert first["Data"] == {
        "Carriers": "acme,globex",
        "Public": "true",
        "RetentionSeconds": "345600",
        "Timeouts.Connect": "5",
        "Timeouts.Visibility": "60",
    }
    assert "NoEcho" not in first
    second = looked_up(function, answers, Version="2", NoEcho="true")
    assert second["Data"] == {"RetentionSeconds": "60"}
    assert second["NoEcho"] is True
    assert second["PhysicalResourceId"] == first["PhysicalResourceId"]
    chosen = looked_up(function, answers, Keys=["Timeouts.Visibility"])
    assert chosen["Data"] == {"Timeouts.Visibility": "60"}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Owner": "orders/test"}, "Owner: the table parameters-shared has nothing of orders/test"),
        ({"Application": "order"}, "Application: orders/production has no order; it has payments, orders"),
        ({"Version": "3"}, "Version: orders/production orders has no version 3; it has 2, 1"),
        ({"Version": "latest"}, "Version: expected a number, found 'latest'"),
        (
            {"Keys": ["Size", "Carriers", "Zone"]},
            "Keys: orders/production orders version 1 has no Size, Zone; it has Carriers, RetentionSeconds, "
            "Timeouts.Connect, Timeouts.Visibility",
        ),
        ({"Keys": "Carriers"}, "Keys: expected a list of names, found 'Carriers'"),
    ],
)
def test_what_is_missing_is_told_with_what_there_is(
    publishing: ModuleType,
    function: Callable[[str], ModuleType],
    answers: Answers,
    properties: dict[str, Any],
    reason: str,
) -> None:
    for values in (VALUES, {"RetentionSeconds": 60}):
        published(publishing, values)
    published(publishing, VALUES, "payments")
    answer = looked_up(function, answers, **properties)
    assert (answer["Status"], answer["Reason"]) == ("FAILED", f"InvalidPropertiesError: {reason}")


def test_many_names_are_counted(
    publishing: ModuleType, function: Callable[[str], ModuleType], answers: Answers
) -> None:
    published(publishing, {f"Key{number}": number for number in range(30)})
    assert looked_up(function, answers, Keys=["Size"])["Reason"].endswith(" and 10 more")


def test_more_than_cloudformation_takes_is_refused_with_the_way_out(
    publishing: ModuleType, function: Callable[[str], ModuleType], answers: Answers
) -> None:
    published(publishing, {f"Key{number}": "x" * 100 for number in range(40)})
    answer = looked_up(function, answers)
    assert answer["Status"] == "FAILED"
    assert re.search(r"at most 4096 bytes, found \d+: name those that the stack needs in Keys", answer["Reason"])
    assert looked_up(function, answers, Keys=["Key7"])["Data"] == {"Key7": "x" * 100}


def test_a_secret_that_somebody_put_there_is_refused_and_not_shown(
    publishing: ModuleType, function: Callable[[str], ModuleType], answers: Answers
) -> None:
    item = {"Owner": OWNER, "Item": "orders#00000001", "Values": {"DbPassword": "hush"}}
    boto3.resource("dynamodb").Table("parameters-shared").put_item(Item=item)
    answer = looked_up(function, answers)
    assert (answer["Status"], "hush" in json.dumps(answer)) == ("FAILED", False)
    assert "DbPassword: a secret does not belong here" in answer["Reason"]


def test_a_lookup_leaves_nothing_to_delete(
    publishing: ModuleType, function: Callable[[str], ModuleType], answers: Answers
) -> None:
    published(publishing, VALUES)
    made = looked_up(function, answers)["PhysicalResourceId"]
    for _ in range(2):
        function("look_up_table").handler(request(answers, "Delete", made), None)
    assert [each["Status"] for each in answers] == ["SUCCESS"] * 3


# -- permissions -------------------------------------------------------------------------------------------------------


def statement(policy: Mapping[str, Any]) -> dict[str, Any]:
    (found,) = policy["Statement"]
    return dict(found)


GRANTED = {
    "look up": statement(LOOKUP["LookUpTableFunction"]["Properties"]["Policies"][0]),
    "publish": statement(LOOKUP["PublisherPolicy"]["Properties"]["PolicyDocument"]),
}


@pytest.mark.parametrize("granted", GRANTED.values(), ids=GRANTED)
@pytest.mark.parametrize(
    ("owner", "reached"),
    [("orders/production", True), ("orders/test", True), ("orders-eu/production", False), ("payments/test", False)],
)
def test_a_team_reaches_its_own_items_alone(granted: dict[str, Any], owner: str, reached: bool) -> None:
    condition = granted["Condition"]
    pattern = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]["Fn::Sub"].replace("${Team}", "orders")
    assert fnmatchcase(owner, pattern) is reached
    assert condition["Null"] == {"dynamodb:LeadingKeys": "false"}


def test_it_is_granted_what_it_calls(
    publishing: ModuleType,
    function: Callable[[str], ModuleType],
    answers: Answers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called: list[str] = []
    as_it_is = BaseClient._make_api_call

    def heard(client: Any, operation: str, arguments: Any) -> Any:
        called.extend(
            [f"dynamodb:{kind}Item" for part in arguments["TransactItems"] for kind in part]
            if operation == "TransactWriteItems"
            else [f"dynamodb:{operation}"]
        )
        return as_it_is(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", heard)
    for values in (VALUES, {}):
        published(publishing, values)
    assert set(called) == set(GRANTED["publish"]["Action"])
    called.clear()
    looked_up(function, answers)
    looked_up(function, answers, Version="9")
    assert set(called) == set(GRANTED["look up"]["Action"])


# -- the templates, the registration, the page -------------------------------------------------------------------------


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_a_template_is_clean(path: Path) -> None:
    found = Validator({}).check(str(path), path.read_bytes(), {})
    assert (found["diagnostics"], found["unexamined"]) == ([], "")
    checked_as = Inputs(PolicySettings(), {}, {}, frozenset(), known=False)
    assert validate([str(path)], checked_as).report.verdict is Verdict.PASS


def test_the_table_is_encrypted_recoverable_and_not_deleted_by_accident() -> None:
    assert TABLE["SSESpecification"] == {"SSEEnabled": True}
    assert TABLE["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert TABLE["DeletionProtectionEnabled"] is True


def test_the_registration_names_what_is_published(publishing: ModuleType) -> None:
    texts = filled(read_files([FOLDER / "registration"]), {"LookUpTableFunctionArn": "arn:aws:lambda:..."})
    (stage,) = checked("orders", texts).stages
    source = stage.stacks["service"].from_tables["TableVersion"]
    for values in (VALUES, {}):
        published(publishing, values)
    item = ParameterTables(boto3.client("dynamodb")).item(source.table, source.key)
    assert text_of(item, source) == "2"


PAGE = (FOLDER / "README.md").read_text()


def test_the_page_shows_what_the_release_has() -> None:
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    release = read((FOLDER / "release" / "service.yaml").read_text())["Resources"]["Settings"]["Properties"]
    named = read(shown)["Settings"]["Properties"]
    assert {**release, "NoEcho": "false"} == {**named, "ServiceTimeout": release["ServiceTimeout"]}


def test_the_page_s_commands_that_need_no_account_run(
    publishing: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [shlex.split(line) for line in re.findall(r"^    (\S.*)", PAGE, re.MULTILINE)]
    (publish,) = [line for line in lines if line[0] == "python"]
    monkeypatch.setattr(sys, "argv", publish[1:])
    assert publishing.main() is None
    assert "version 1 is published" in capsys.readouterr().out
    (validated,) = [line for line in lines if line[:2] == ["./belay", "validate"]]
    assert main(validated[1:]) == 0
