"""The duration and calls of the console's overview on the embedded engine, with few releases and with many.

    .venv/bin/python benchmarks/console.py [--applications 50] [--stages 5] [--releases 10000]

Each application first has one release in every stage, then its share of all. The page is measured warm.
The command fails if many releases take more calls than one each, or a second or more.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "layers" / "belay"), str(_ROOT / "tests")]

import boto3  # noqa: E402 - found by the line above
from asked_console import AskedConsole  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

from belay.aws.signed_in import SignedIn  # noqa: E402
from cli.account import Account  # noqa: E402
from cli.console.app import console  # noqa: E402
from local.engine import REGION, EmbeddedEngine  # noqa: E402

ROUNDS = 15
MOST_SECONDS = 1.0
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
ROLE = "arn:aws:iam::000000000000:role/belay/deployer"


def main() -> int:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--applications", type=int, default=50)
    parser.add_argument("--stages", type=int, default=5)
    parser.add_argument("--releases", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=Path("build/console.json"))
    arguments = parser.parse_args()
    with EmbeddedEngine.start(directory=_ROOT / "build" / "engine-console") as engine:
        os.environ |= engine.environment
        figures = _measured(arguments)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(figures, indent=1) + "\n")
    few, many = figures["few"], figures["many"]
    for name, each in figures.items():
        print(
            f"{name:<5} {each['releases']:>7,} releases: median {each['median']:.3f} s, worst {each['worst']:.3f} s, "
            f"{each['calls']}"
        )
    return 0 if many["calls"] == few["calls"] and many["median"] < MOST_SECONDS else 1


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    session = boto3.Session(region_name=REGION)
    stages = [f"stage-{number}" for number in range(arguments.stages)]
    names = [f"application-{number:02}" for number in range(arguments.applications)]
    dynamodb, ssm = session.resource("dynamodb"), session.client("ssm")
    properties = yaml_parse((_ROOT / "template.yaml").read_text())["Resources"]["Ledger"]["Properties"]
    keys = {name: properties[name] for name in ("AttributeDefinitions", "KeySchema", "BillingMode")}
    table = dynamodb.create_table(TableName="ledger", **keys)
    ssm.put_parameter(Name="/belay/paused", Value="false", Type="String")
    for name in names:
        ssm.put_parameter(Name=f"/belay/applications/{name}", Value=f"stages: [{', '.join(stages)}]\n", Type="String")
        for stage in stages:
            text = f"service_role: {ROLE}\nstacks: {{main: {{name: {name}-{stage}}}}}\n"
            ssm.put_parameter(Name=f"/belay/applications/{name}/{stage}", Value=text, Type="String")
    outputs = {"LedgerTableName": "ledger", "ArtifactBucketName": "artifacts", "PauseParameterName": "/belay/paused"}
    calls: Counter[str] = Counter()
    session.events.register("before-call", lambda model, **_: calls.update([model.name]))
    asked = AskedConsole(lambda keys: console(Account(SignedIn(session), "belay", outputs), keys))
    figures = {}
    for size, each in (("few", 1), ("many", arguments.releases // arguments.applications)):
        _grow(table, names, stages, each)
        asked.get("/")  # warms the cache
        took = []
        for _ in range(ROUNDS):
            calls.clear()
            began = time.perf_counter()
            answer = asked.get("/")
            took.append(time.perf_counter() - began)
            assert answer.status == 200, answer.text
        assert answer.text.count('<li class="stage ') == len(names) * len(stages)
        figures[size] = {
            "releases": each * len(names),
            "median": statistics.median(took),
            "worst": max(took),
            "calls": dict(sorted(calls.items())),
        }
    return figures


def _grow(table: Any, names: list[str], stages: list[str], releases: int) -> None:
    with table.batch_writer(overwrite_by_pkeys=["PK", "SK"]) as batch:
        for name in names:
            for number in range(releases):
                for item in _left_by(name, stages, number):
                    batch.put_item(Item=item)


def _left_by(name: str, stages: list[str], number: int) -> Iterator[dict[str, Any]]:
    """What a deployed release leaves in the ledger."""
    attempt, version = f"{number:012x}", f"1.{number}.0"
    at = (_FIRST + number * timedelta(hours=1)).isoformat(timespec="milliseconds")
    release = {"application": name, "version": version, "digest": "d" * 64, "attempt": attempt}
    yield _item(f"APPLICATION#{name}", f"ATTEMPT#{attempt}", state="ENDED", outcome="DEPLOYED", claimed_at=at)
    yield _item(f"APPLICATION#{name}", f"RELEASE#{version}", **release, under_way=False)
    for partition in (f"APPLICATION#{name}", f"RELEASE#{name}#{version}", f"FILE#{name}#{name}-{version}.zip"):
        yield _item(partition, f"CLAIMED#{at}#{attempt}", attempt=attempt)
    for stage in stages:
        ran = {"release": release, "version": version, "deployed_at": at, "incident": None}
        yield _item(f"APPLICATION#{name}", f"DEPLOYED#{stage}#{at}", **ran)
        yield _item(f"APPLICATION#{name}", f"STAGE#{stage}", **ran)
        for state in ("PLANNING", "EXECUTING", "STAGE ENDED"):
            yield _item(f"ATTEMPT#{name}#{attempt}", f"TRANSITION#{at}#{stage}#{state}", state=state)


def _item(pk: str, sk: str, **values: Any) -> dict[str, Any]:
    return {"PK": pk, "SK": sk, **values}


if __name__ == "__main__":
    sys.exit(main())
