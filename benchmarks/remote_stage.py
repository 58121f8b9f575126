"""How many calls a stage in another account and region takes, compared with the same stage at home.

    .venv/bin/python benchmarks/remote_stage.py [--output build/remote_stage.json]

An engine that enforces permissions gets Belay, and a spoke by the templates of ``accounts/``. Two applications are the
same except for the place of their production. Each is released twice; the second release updates two stacks, and is
counted. How often a machine polls whether something has ended depends on how busy the engine is, so polls are counted,
too. The command fails if production elsewhere goes through other states than at home, or takes more than ``MOST_TIMES``
the calls.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "layers" / "belay")]

from benchmarks.first_release import archive_of  # noqa: E402 - found by the line above
from local.deployment import LOCAL_PARAMETERS, deploy  # noqa: E402
from local.engine import ACCOUNT, EmbeddedEngine  # noqa: E402
from local.spokes import SPOKE_ACCOUNT, SPOKE_REGION, join  # noqa: E402

MOST_TIMES = 1.2
WITHIN_SECONDS = 240.0
LOOK_EVERY_SECONDS = 0.2
WAITS = "WaitFor"
"""The prefixes of the states after which a machine polls again whether something has ended."""


def register(engine: EmbeddedEngine, application: str, account: str, place: Mapping[str, str]) -> None:
    """Write the registration of an application whose production is in an account."""
    stacks = {name: {"name": f"{application}-{name}"} for name in ("first", "second")}
    production = {"service_role": f"arn:aws:iam::{account}:role/belay/deployer", "stacks": stacks, **place}
    for suffix, document in {"": {"stages": ["production"]}, "/production": production}.items():
        name = f"/belay/applications/{application}{suffix}"
        engine.client("ssm").put_parameter(Name=name, Type="String", Value=json.dumps(document))


@dataclass(frozen=True)
class StageMeasured:
    """What one release took."""

    calls: Mapping[str, int]
    states: Mapping[str, int]
    invocations: int

    @property
    def all_calls(self) -> int:
        """The API calls of Belay's functions."""
        return sum(self.calls.values())

    @property
    def assumed(self) -> int:
        """How often a role was assumed."""
        return self.calls.get("sts AssumeRole", 0)

    @property
    def transitions(self) -> int:
        """The transitions of the state machines."""
        return sum(self.states.values())

    @property
    def looks(self) -> int:
        """How often a machine waited, and polled again."""
        return sum(count for state, count in self.states.items() if state.startswith(WAITS))


def release(engine: EmbeddedEngine, outputs: Mapping[str, str], application: str, version: str) -> StageMeasured:
    """Release a version and count. Raises ``RuntimeError`` if it is not DEPLOYED."""
    machines = [outputs["DeployReleaseStateMachineArn"], outputs["DeployStageStateMachineArn"]]
    client = engine.client("stepfunctions")
    before = {each for machine in machines for each in executions(client, machine)}
    with engine.counting() as calls:
        key = f"releases/{application}/{version}.zip"
        engine.client("s3").put_object(
            Bucket=outputs["ReleaseBucketName"], Key=key, Body=archive_of(application, version)
        )
        ended = wait(client, machines[0], before, engine)
    if json.loads(ended.get("output") or "{}").get("outcome") != "DEPLOYED":
        raise RuntimeError(f"{application} {version}: expected DEPLOYED, found {ended}; see {engine.log}")
    states, invocations = Counter[str](), 0
    for machine in machines:
        for execution in set(executions(client, machine)) - before:
            pages = client.get_paginator("get_execution_history").paginate(executionArn=execution)
            for event in (event for page in pages for event in page["events"]):
                if event["type"].endswith("StateEntered"):
                    states[event["stateEnteredEventDetails"]["name"]] += 1
                invocations += event.get("taskScheduledEventDetails", {}).get("resourceType") == "lambda"
    return StageMeasured(calls, dict(states), invocations)


def executions(client: Any, machine: str) -> list[str]:
    """Return the ARNs of a machine's executions."""
    return [each["executionArn"] for each in client.list_executions(stateMachineArn=machine)["executions"]]


def wait(client: Any, machine: str, before: set[str], engine: EmbeddedEngine) -> Mapping[str, Any]:
    """Wait until a new execution of a machine has ended; return it."""
    until = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < until:
        for execution in set(executions(client, machine)) - before:
            found: Mapping[str, Any] = client.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return found
        time.sleep(LOOK_EVERY_SECONDS)
    raise RuntimeError(f"no outcome within {WITHIN_SECONDS:.0f} s; see {engine.log}")


def measure() -> dict[str, StageMeasured]:
    """Release at home and in the other account."""
    with EmbeddedEngine.start(wait_scale=1.0, permissions=True) as engine:
        outputs = deploy(engine, parameters={**LOCAL_PARAMETERS, "SpokeAccounts": SPOKE_ACCOUNT})
        join(engine, ["home", "there"])
        register(engine, "home", ACCOUNT, {})
        register(engine, "there", SPOKE_ACCOUNT, {"account": SPOKE_ACCOUNT, "region": SPOKE_REGION})
        for application in ("home", "there"):
            release(engine, outputs, application, "1.0.0")
        return {application: release(engine, outputs, application, "1.1.0") for application in ("home", "there")}


def main() -> int:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("build/remote_stage.json"))
    arguments = parser.parse_args()
    found = measure()
    home, there = found["home"], found["there"]
    for name in sorted({*home.calls, *there.calls}):
        if home.calls.get(name) != there.calls.get(name):
            print(f"  {name:45} {home.calls.get(name, 0):5} {there.calls.get(name, 0):5}")
    for name in ("all_calls", "assumed", "transitions", "looks", "invocations"):
        print(f"{name:47} {getattr(home, name):5} {getattr(there, name):5}")
    times = there.all_calls / home.all_calls
    others = sorted({*home.states} ^ {*there.states})
    print(f"{times:.2f} times the calls; states that only one of them goes through: {', '.join(others) or 'none'}")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps({name: asdict(each) for name, each in found.items()}, indent=1) + "\n")
    return int(times > MOST_TIMES or bool(others))


if __name__ == "__main__":
    sys.exit(main())
