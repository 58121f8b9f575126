"""How much longer the first release takes than the second on a fresh engine, with cold functions.

    .venv/bin/python benchmarks/first_release.py [--repetitions 5] [--wait-scale 1] [--output build/first_release.json]

Each repetition starts an engine, deploys Belay to it and releases the same templates for two applications, one after
the other: through an ephemeral stage, then into production. The machines wait as long as on AWS; with a scale of 0.2,
as in the demo, a second takes a fifth. The command fails if the median of the first releases is more than 1.6 times
that of the second.
"""

import argparse
import hashlib
import io
import json
import statistics
import sys
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "layers" / "belay")]

from local.deployment import LOCAL_PARAMETERS, deploy  # noqa: E402 - found by the line above
from local.engine import ACCOUNT, EmbeddedEngine  # noqa: E402

MOST_TIMES = 1.6
WITHIN_SECONDS = 180.0
LOOK_EVERY_SECONDS = 0.1


def archive_of(application: str, version: str) -> bytes:
    """Return the zip of a release of two stacks, the second after the first, which every version changes."""
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": version}}
    files = {f"{name}.json": json.dumps({"Resources": {"It": parameter}}).encode() for name in ("first", "second")}
    manifest = {
        "application": application,
        "version": version,
        "stacks": [
            {"name": "first", "template": "first.json"},
            {"name": "second", "template": "second.json", "depends_on": ["first"]},
        ],
        "digests": {path: hashlib.sha256(data).hexdigest() for path, data in files.items()},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in {"release.yaml": json.dumps(manifest).encode(), **files}.items():
            archive.writestr(path, data)
    return buffer.getvalue()


def register(parameters: Any, application: str) -> None:
    """Write the registration of an application with an ephemeral stage and production."""
    role = f"arn:aws:iam::{ACCOUNT}:role/belay/{application}"
    documents: dict[str, Mapping[str, Any]] = {
        "": {"stages": ["test", "production"], "defaults": {"service_role": role}},
        "/test": {"ephemeral": True, "stacks": stacks_of(application, "test")},
        "/production": {"stacks": stacks_of(application, "production")},
    }
    for suffix, document in documents.items():
        name = f"/belay/applications/{application}{suffix}"
        parameters.put_parameter(Name=name, Type="String", Value=json.dumps(document))


def stacks_of(application: str, stage: str) -> dict[str, Any]:
    """Return the registered names of an application's stacks in a stage."""
    return {name: {"name": f"{application}-{stage}-{name}"} for name in ("first", "second")}


def release(engine: EmbeddedEngine, outputs: Mapping[str, str], application: str) -> float:
    """Upload a release and return the seconds until its outcome. Raises ``RuntimeError`` if it is not DEPLOYED."""
    machines, key = engine.client("stepfunctions"), f"releases/{application}/1.0.0.zip"
    began = time.monotonic()
    engine.client("s3").put_object(Bucket=outputs["ReleaseBucketName"], Key=key, Body=archive_of(application, "1.0.0"))
    while time.monotonic() < began + WITHIN_SECONDS:
        for listed in machines.list_executions(stateMachineArn=outputs["DeployReleaseStateMachineArn"])["executions"]:
            found = machines.describe_execution(executionArn=listed["executionArn"])
            if key in found["input"] and found["status"] != "RUNNING":
                if json.loads(found.get("output") or "{}").get("outcome") != "DEPLOYED":
                    raise RuntimeError(f"{application}: expected DEPLOYED, found {found}; see {engine.log}")
                return time.monotonic() - began
        time.sleep(LOOK_EVERY_SECONDS)
    raise RuntimeError(f"{application} had no outcome within {WITHIN_SECONDS} s; see {engine.log}")


def measure(wait_scale: float) -> dict[str, float]:
    """Release on a fresh engine twice."""
    with EmbeddedEngine.start(wait_scale=wait_scale, cold_functions=True) as engine:
        outputs = deploy(engine, parameters=LOCAL_PARAMETERS)
        for application in ("one", "two"):
            register(engine.client("ssm"), application)
        return {"first": release(engine, outputs, "one"), "second": release(engine, outputs, "two")}


def main() -> int:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--wait-scale", type=float, default=1.0)
    parser.add_argument("--output", type=Path, default=Path("build/first_release.json"))
    arguments = parser.parse_args()
    runs = []
    for _ in range(arguments.repetitions):
        runs.append(measure(arguments.wait_scale))
        print(", ".join(f"{name} {seconds:.1f} s" for name, seconds in runs[-1].items()), flush=True)
    first, second = (statistics.median(run[name] for run in runs) for name in ("first", "second"))
    print(f"median: first {first:.1f} s, second {second:.1f} s: {first / second:.2f} times")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps({"runs": runs, "first": first, "second": second}, indent=1) + "\n")
    return int(first / second > MOST_TIMES)


if __name__ == "__main__":
    sys.exit(main())
