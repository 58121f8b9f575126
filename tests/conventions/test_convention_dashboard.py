"""The dashboard and the alarms name existing metrics: Belay's are emitted as they are read, AWS's are documented."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from project import ROOT, template

from belay.aws.metrics import NAMESPACE, SERVICE, emit
from belay.release.records import Outcome
from belay.subject.measures import Measured, Metric

AWS = {
    ("AWS/DynamoDB", "ReadThrottleEvents"): {"TableName"},
    ("AWS/DynamoDB", "WriteThrottleEvents"): {"TableName"},
    ("AWS/Lambda", "Throttles"): set(),
    ("AWS/SNS", "NumberOfNotificationsFailed"): {"TopicName"},
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {"QueueName"},
    ("AWS/States", "ExecutionsFailed"): {"StateMachineArn"},
    ("AWS/States", "ExecutionsTimedOut"): {"StateMachineArn"},
    ("AWS/States", "ExecutionThrottled"): {"StateMachineArn"},
}
"""AWS's metrics with their dimensions, as the services' pages list them: "Monitoring ... with CloudWatch" of each."""

NESTED = template("alarms.yaml")
BODY = json.loads(NESTED["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"].replace("${!", "${"))
SEARCHED = re.compile(r"""SEARCH\('\{(?P<dimensions>[^}]+)\} MetricName="(?P<metric>\w+)"', '\w+', \d+\)""")

Read = tuple[str, str, dict[str, str | None]]
"""A namespace, a metric, and the dimensions by which it is read; the value is None where it is searched for."""


def rows() -> Iterator[list[Any]]:
    for widget in BODY["widgets"]:
        yield from widget["properties"]["metrics"]


def read_by_the_dashboard() -> Iterator[Read]:
    for row in rows():
        names = [each for each in row if isinstance(each, str)]
        if names:
            yield names[0], names[1], dict(zip(names[2::2], names[3::2], strict=True))
        for found in SEARCHED.finditer(row[-1].get("expression", "") if isinstance(row[-1], dict) else ""):
            namespace, *dimensions = found["dimensions"].split(",")
            yield namespace, found["metric"], dict.fromkeys(dimensions)


def read_by_alarms() -> Iterator[Read]:
    for resource in NESTED["Resources"].values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            alarm = resource["Properties"]
            dimensions = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
            yield alarm["Namespace"], alarm["MetricName"], dimensions


READ = [*read_by_the_dashboard(), *read_by_alarms()]


@pytest.mark.parametrize("read", READ, ids=lambda read: "-".join(read[:2]))
def test_a_metric_that_is_read_exists(read: Read, capsys: pytest.CaptureFixture[str]) -> None:
    namespace, name, dimensions = read
    if namespace != NAMESPACE:
        assert dimensions.keys() == AWS[namespace, name]
        return
    emit([Measured(Metric(name), 1, "production")])
    line = json.loads(capsys.readouterr().out)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == namespace
    assert directive["Metrics"] == [{"Name": name, "Unit": Metric(name).unit}]
    assert directive["Dimensions"] == [[*dimensions]]
    assert line[name] == 1
    assert dimensions.get("service") in (SERVICE, None)
    assert dimensions.get("outcome") in {None, *Outcome}


def test_every_metric_is_shown() -> None:
    assert {name for namespace, name, _ in read_by_the_dashboard() if namespace == NAMESPACE} == {*Metric}


def test_every_outcome_is_shown() -> None:
    shown = {by["outcome"] for _, name, by in read_by_the_dashboard() if name == Metric.RELEASES}
    assert shown == {*Outcome}


def test_every_expression_was_understood() -> None:
    """A search in another form would not be checked."""
    expressions = [row[-1]["expression"] for row in rows() if isinstance(row[-1], dict) and "expression" in row[-1]]
    assert sum(each.count("SEARCH(") for each in expressions) == sum(
        len([*SEARCHED.finditer(each)]) for each in expressions
    )


def test_what_a_widget_shows_is_named_by_the_template() -> None:
    named = {
        name for row in rows() for each in row if isinstance(each, str) for name in re.findall(r"\$\{(\w+)\}", each)
    }
    assert named <= NESTED["Parameters"].keys()


def test_no_widget_covers_another() -> None:
    places = [(each["x"] + column, each["y"]) for each in BODY["widgets"] for column in range(each["width"])]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24


def test_every_metric_is_documented_with_its_dimension() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", page, re.MULTILINE))
    assert rows == {each.value: f"`{each.dimension}`" if each.dimension else "none" for each in Metric}
