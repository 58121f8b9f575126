"""A held call is not performed, or has no response, until it is released; others continue meanwhile."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from local import engine as engines
from local.engine import EngineError


@pytest.fixture
def calling():
    """Runs the calls that are held."""
    with ThreadPoolExecutor() as threads:
        yield threads


def topics(aws):
    return {topic["TopicArn"].rpartition(":")[2] for topic in aws("sns").list_topics()["Topics"]}


@pytest.mark.parametrize("after", [False, True])
def test_a_call_waits_before_or_after_it_is_carried_out(engine, aws, unique, calling, after):
    name, other = unique("topic"), unique("topic")
    with engine.hold("sns", "CreateTopic", only_if={"Name": name}, after=after) as hold:
        call = calling.submit(aws("sns").create_topic, Name=name)
        hold.reached()
        aws("sns").create_topic(Name=other)
        there = topics(aws)
        assert not call.done()

    assert call.result()["TopicArn"].endswith(name)
    assert (name in there, other in there, name in topics(aws)) == (after, True, True)


def test_calls_go_on_one_at_a_time(engine, aws, unique, calling):
    names = [unique("topic") for _ in range(2)]
    with engine.hold("sns", "CreateTopic") as hold:
        first = calling.submit(aws("sns").create_topic, Name=names[0])
        hold.reached()
        second = calling.submit(aws("sns").create_topic, Name=names[1])
        hold.let_go()
        first.result()
        hold.reached()
        assert not second.done()
        assert {*names} & topics(aws) == {names[0]}

    assert second.result()["TopicArn"].endswith(names[1])


def test_a_machine_s_own_call_waits_too(engine, aws, machines, unique):
    states, topic = aws("stepfunctions"), aws("sns").create_topic(Name=unique("topic"))["TopicArn"]
    publish = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Arguments": {"TopicArn": topic, "Message": "text"},
        "End": True,
    }
    machine = machines.create({"StartAt": "Publish", "States": {"Publish": publish}})
    with engine.hold("sns", "Publish", only_if={"TopicArn": topic}) as hold:
        execution = states.start_execution(stateMachineArn=machine)["executionArn"]
        hold.reached()
        assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"

    assert machines.ended(execution)["status"] == "SUCCEEDED"


def test_a_caller_that_does_not_wait_is_not_answered(engine, aws):
    hurried = engine.client("sns", config=Config(read_timeout=0.3, retries={"total_max_attempts": 1}))

    with engine.hold("sns", "ListTopics"), pytest.raises(ReadTimeoutError):
        hurried.list_topics()


def test_what_is_held_goes_on_when_faults_are_cleared(engine, aws, calling):
    hold = engine.hold("sns", "ListTopics")
    call = calling.submit(aws("sns").list_topics)
    hold.reached()

    engine.clear_faults()

    assert "Topics" in call.result()
    hold.end()


def test_a_call_that_never_comes_is_told(engine, monkeypatch):
    monkeypatch.setattr(engines, "REACHED_WITHIN_SECONDS", 0)

    with engine.hold("sns", "ListTopics") as hold, pytest.raises(EngineError, match="no call of sns ListTopics came"):
        hold.reached()
