import io
import json
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import ROLE, RUNTIME, create_function

from local.bridges import lambda_layers
from local.engine import EmbeddedEngine

FAILING = """
class TooLate(Exception):
    pass

def handler(event, context):
    raise TooLate("the gate has closed")
"""

COUNTING = """
import os, time

def handler(event, context):
    place = os.path.join(event["directory"], context.aws_request_id)
    open(place, "w").close()
    time.sleep(0.3)
    running = len(os.listdir(event["directory"]))
    os.remove(place)
    return running
"""


def test_a_failed_invocation_reports_the_exceptions_class(aws, function):
    answer = aws("lambda").invoke(FunctionName=function(FAILING))

    failure = json.load(answer["Payload"])
    assert answer["FunctionError"] == "Unhandled"
    assert (failure["errorType"], failure["errorMessage"]) == ("TooLate", "the gate has closed")
    assert any("raise TooLate" in line for line in failure["stackTrace"])


REMEMBERING = """
seen = []

def handler(event, context):
    seen.append(event)
    if len(seen) == 1:
        raise ValueError("the first")
    return seen
"""


def test_a_function_that_failed_remembers_what_it_held(aws, function):
    arn = function(REMEMBERING)

    first, second = (aws("lambda").invoke(FunctionName=arn, Payload=json.dumps(each)) for each in (1, 2))

    assert "FunctionError" in first
    assert json.load(second["Payload"]) == [1, 2]


def test_no_more_invocations_run_at_once_than_the_engine_allows(aws, function, tmp_path):
    arn = function(COUNTING)

    def invoke(_):
        payload = json.dumps({"directory": str(tmp_path)})
        return json.load(aws("lambda").invoke(FunctionName=arn, Payload=payload)["Payload"])

    with ThreadPoolExecutor(12) as pool:
        running = list(pool.map(invoke, range(12)))

    assert 1 < max(running) <= 4


LOOKING = """
import importlib.util

def handler(event, context):
    return [name for name in event["names"] if importlib.util.find_spec(name)]
"""


def test_a_function_sees_boto3_and_no_other_package_of_the_engine(aws, function):
    names = ["json", "boto3", "botocore", "urllib3", "yaml", "moto", "ministack", "pytest", "aws_lambda_powertools"]

    payload = json.dumps({"names": names})
    answer = aws("lambda").invoke(FunctionName=function(LOOKING), Payload=payload)

    assert json.load(answer["Payload"]) == ["json", "boto3", "botocore", "urllib3"]


def test_a_function_may_bring_its_own_boto3(aws, unique):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("boto3/__init__.py", "__version__ = 'its own'\n")
        archive.writestr("app.py", "import boto3\ndef handler(event, context):\n    return boto3.__version__\n")
    arn = aws("lambda").create_function(
        FunctionName=unique("bundled"),
        Runtime=RUNTIME,
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": packed.getvalue()},
    )["FunctionArn"]

    assert json.load(aws("lambda").invoke(FunctionName=arn)["Payload"]) == "its own"


def test_functions_share_no_state(aws, function):
    """They are forked from one process, and each is as it would be in its own interpreter."""
    source = """
import boto3, os, random

marked = hasattr(boto3, "mark")
boto3.mark = os.environ["MARK"]

def handler(event, context):
    return [marked, boto3.mark, __file__.startswith(os.getcwd()), random.random()]
"""
    arns = [function(source, Environment={"Variables": {"MARK": each}}) for each in ("one", "two")]

    one, two = (json.load(aws("lambda").invoke(FunctionName=arn)["Payload"]) for arn in arns)

    assert (one[:3], two[:3]) == ([False, "one", True], [False, "two", True])
    assert one[3] != two[3]


IMPORTED = """
import sys

imported = "boto3" in sys.modules

def handler(event, context):
    return imported
"""


def test_a_function_starts_with_boto3_imported_unless_it_starts_cold(aws, function):
    warm = aws("lambda").invoke(FunctionName=function(IMPORTED))
    with EmbeddedEngine.start(cold_functions=True) as engine:
        client = engine.client("lambda")
        cold = client.invoke(FunctionName=create_function(client, "cold", IMPORTED))

    assert (json.load(warm["Payload"]), json.load(cold["Payload"])) == (True, False)


def test_a_function_that_exits_is_started_again(aws, function):
    arn = function(
        "import os, sys\ndef handler(event, context):\n    sys.exit(3) if event else 0\n    return os.getpid()\n"
    )

    def invoke(payload):
        return json.load(aws("lambda").invoke(FunctionName=arn, Payload=json.dumps(payload))["Payload"])

    before, failed, after = invoke(0), invoke(1), invoke(0)

    assert failed["errorMessage"] == "Worker process died"
    assert before != after


def test_a_function_reaches_the_engine_through_boto3(aws, function):
    source = """
import boto3

def handler(event, context):
    return boto3.client("sts").get_caller_identity()["Account"]
"""

    answer = aws("lambda").invoke(FunctionName=function(source))

    assert json.load(answer["Payload"]) == "000000000000"


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("import nothing_like_it\n", "Runtime.ImportModuleError", "Unable to import module 'app': No module named"),
        ("raise KeyError('TABLE')\n", "KeyError", "TABLE"),
    ],
)
def test_a_function_that_cannot_start_says_why(*, aws, function, source, error, message):
    arn = function(source)

    for _ in range(2):
        failure = json.load(aws("lambda").invoke(FunctionName=arn)["Payload"])
        assert failure["errorType"] == error
        assert message in failure["errorMessage"]


def test_a_function_that_takes_too_long_times_out(aws, function):
    arn = function("import time\ndef handler(event, context):\n    time.sleep(30)\n", Timeout=1)

    failure = json.load(aws("lambda").invoke(FunctionName=arn)["Payload"])

    assert failure["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in failure["errorMessage"]


READING = """
import greetings

def handler(event, context):
    return [greetings.__file__, greetings.WORD]
"""


def test_functions_share_what_their_layers_hold(aws, function, unique):
    def layer(word):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("python/greetings.py", f"WORD = {word!r}")
        made = aws("lambda").publish_layer_version(LayerName=unique("words"), Content={"ZipFile": packed.getvalue()})
        return made["LayerVersionArn"]

    def read(arn):
        return json.load(aws("lambda").invoke(FunctionName=arn)["Payload"])

    hello, bye = layer("hello"), layer("bye")
    first, second, other = (function(READING, Layers=[each]) for each in (hello, hello, bye))

    assert read(first) == read(second)
    assert [read(first)[1], read(other)[1]] == ["hello", "bye"]
    assert read(first)[0] != read(other)[0]


def test_layers_stay_unpacked_for_a_day_and_the_last_used_ones_longer():
    now = time.time()
    today = [(Path(f"today-{number}"), now - number) for number in range(20)]
    earlier = [(Path(f"earlier-{number}"), now - 100_000 - number) for number in range(3)]

    assert lambda_layers.unneeded(today) == []
    assert lambda_layers.unneeded(earlier) == []
    assert lambda_layers.unneeded([*today, *earlier]) == [Path("earlier-2"), Path("earlier-1"), Path("earlier-0")]
