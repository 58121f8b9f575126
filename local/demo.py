"""``make demo``: deploys Belay to the embedded engine and shows an example application's releases going through it.

Writes ``build/demo.json``, a list with one object for each release: ``scenario``, ``application``, ``version``,
``expected`` and ``outcome`` (null if there was none), ``seconds`` from the upload to the outcome, ``states`` (each
with ``machine``, ``state`` and ``seconds``, in the order in which they were entered), ``messages`` (each with
``subject``, ``text`` and ``attributes``) and ``orders`` (how many rows were counted when; empty if none were).
"""

import argparse
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CalledProcessError
from types import FrameType
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from belay.aws.dynamodb import Table
from belay.errors import InvalidRelease
from belay.ledger.ledger import Ledger
from belay.release.attempt import Attempt
from cli.assembly.cloud_assembly import read_assembly
from cli.build import build_assembled, build_release
from cli.progress import Execution
from examples.releases import BUILD, EXAMPLES, ExampleError, assemble
from local.demo_approval import Approver
from local.demo_cancellation import Cancellation
from local.demo_console import Screen
from local.demo_executor import forecast_on_copy, register_executor
from local.demo_inbox import Inbox, Received
from local.demo_operator import register
from local.demo_person import Person, paste
from local.demo_pipeline import FailingPipeline
from local.demo_progress import DemoProgress
from local.demo_regions import APPLICATION, Regions
from local.demo_scenarios import Scenario, UnknownScenarioError, chosen, side_by_side
from local.demo_shop import INSTANCE, Shop, secret_of_database
from local.demo_spoke import Forwarded
from local.deployment import LOCAL_PARAMETERS, DeploymentError, deploy
from local.engine import ROOT, EmbeddedEngine, EngineError
from local.spokes import SPOKE_ACCOUNT, EmbeddedSpoke, join

STACK: Final = "belay-demo"
REPORT: Final = ROOT / "build" / "demo.json"
WAIT_SCALE: Final = "0.1"
"""The factor of the state machines' waits on the engine, whose stacks are faster than the shortest wait."""
LOOK_EVERY_SECONDS: Final = 0.5
OUTCOME_WITHIN_SECONDS: Final = 180.0
END_WITHIN_SECONDS: Final = 10.0
MESSAGE_WITHIN_SECONDS: Final = 10.0

_REFUSED: Final = "The queue is throttled in this region"
_ROLLING_BACK: Final = "UPDATE_ROLLBACK_IN_PROGRESS"
_ALWAYS: Final = 99

_STOPPING: Final = (
    *(EngineError, DeploymentError, ExampleError, InvalidRelease),
    *(ClientError, BotoCoreError, CalledProcessError),
)

_MACHINES: Final = {
    "deploy_release": "DeployReleaseStateMachineArn",
    "deploy_stage": "DeployStageStateMachineArn",
    "rollback_stage": "RollbackStageStateMachineArn",
}


@dataclass(frozen=True)
class DemoResult:
    """The result of one scenario. ``problem`` says why there is no outcome, or what is wrong with it; ``orders`` is how
    many orders were in production's database when, if they were counted."""

    scenario: Scenario
    outcome: str | None
    seconds: float
    executions: tuple[Execution, ...]
    messages: tuple[Received, ...]
    problem: str | None = None
    orders: Mapping[str, int] = field(default_factory=dict)

    @property
    def as_expected(self) -> bool:
        """Whether the release ended as it should."""
        return self.outcome == self.scenario.expected and self.problem is None

    def to_dict(self) -> dict[str, Any]:
        """Return the scenario's entry in the report."""
        now = datetime.now(UTC)
        taken = sorted((step for each in self.executions for step in each.steps), key=lambda step: step.entered)
        return {
            "scenario": self.scenario.name,
            "application": self.scenario.application,
            "version": self.scenario.version,
            "expected": self.scenario.expected,
            "outcome": self.outcome,
            "seconds": round(self.seconds, 3),
            "states": [
                {"machine": step.machine, "state": step.state, "seconds": round(step.seconds(now), 3)} for step in taken
            ],
            "messages": [
                {"subject": each.subject, "text": each.text, "attributes": dict(each.attributes)}
                for each in self.messages
            ],
            "orders": dict(self.orders),
        }


class Demo:
    """A deployed Belay, used only through the AWS APIs that its users have."""

    def __init__(
        self,
        engine: EmbeddedEngine,
        outputs: Mapping[str, str],
        screen: Screen,
        releases: Path,
        *,
        spoke: EmbeddedSpoke | None,
        regions: Regions | None,
    ) -> None:
        """``releases`` is the directory in which releases are assembled, ``spoke`` the place of stages elsewhere."""
        self._approver = Approver(engine, STACK, outputs["ArtifactBucketName"])
        self._s3: Any = engine.client("s3")
        self._ledger = Ledger(Table(engine.client("dynamodb"), outputs["LedgerTableName"]))
        self._stepfunctions: Any = engine.client("stepfunctions")
        self._engine = engine
        self._pipeline: FailingPipeline | None = None
        self._regions = regions
        self._forwarded = None if spoke is None else Forwarded(spoke, STACK)
        self._secret = ""
        self._outputs = outputs
        self._releases = releases
        self._screen = screen
        self._progress = DemoProgress(self._stepfunctions, {name: outputs[arn] for name, arn in _MACHINES.items()})
        self._inbox = Inbox.subscribe(
            engine.client("sqs"), engine.client("sns"), outputs["NotificationTopicArn"], "on-call"
        )
        self._person = Person(engine.client("iam"), engine.client("dynamodb"), outputs, "ann")

    def play(self, scenario: Scenario) -> DemoResult:
        """Upload the scenario's release, or run its pipeline, and follow it to its end."""
        archive = self._built(scenario)
        if scenario.registers:
            self._register_executor(scenario.application)
        shop = Shop(self._engine, self._secret) if scenario.counts else None
        self._pipeline = None
        self._progress.begin()
        asking = self._approver.asked_in_production(scenario.application) if scenario.asks else nullcontext()
        copying = forecast_on_copy(self._engine, scenario.application, INSTANCE) if scenario.copies else nullcontext()
        with self._screen.release(scenario), asking, copying:
            began = time.monotonic()
            self._beset(scenario)
            cancellation = Cancellation(self._engine, scenario.cancels) if scenario.cancels else None
            if scenario.pipeline is None:
                self._upload(scenario, archive)
            else:
                self._pipeline = FailingPipeline(self._engine, self._outputs, scenario.application, scenario.pipeline)
                self._pipeline.run()
            outcome, seconds = self._follow(scenario, began, cancellation or shop)
            executions = self._settle()
        self._engine.clear_faults()
        messages = self._inbox.receive(outcome, MESSAGE_WITHIN_SECONDS) if outcome else []
        problem = self._after(scenario, messages, shop) if outcome else self._why(executions)
        orders = {} if shop is None else shop.counted
        result = DemoResult(scenario, outcome, seconds, tuple(executions), tuple(messages), problem, orders)
        self._screen.say(f"  {outcome or 'no outcome'} after {seconds:.1f} s", _style(result))
        return result

    def _beset(self, scenario: Scenario) -> None:
        """Cause the scenario's disturbances, and record what must be found again."""
        if scenario.stuck is not None:
            stack, resource = scenario.stuck
            self._engine.fail_resource(resource, "update", stack=stack, stack_status=_ROLLING_BACK, times=_ALWAYS)
        if scenario.fails is not None:
            stack, resource = scenario.fails
            self._engine.fail_resource(resource, "update", _REFUSED, stack=stack)
        if scenario.loses and self._regions is not None:
            self._tell([self._regions.add_article()])

    def _after(self, scenario: Scenario, messages: list[Received], shop: Shop | None) -> str | None:
        """Let people check a release's result and do what is left to them, which adds messages; return problems, if
        any.
        """
        problem = None
        if self._forwarded is not None:
            self._tell(self._forwarded.lines())
            problem = self._forwarded.problem(scenario.expected)
        if scenario.fails is not None:
            self._belay("belay", "show", f"{scenario.application}/{scenario.version}")
        if scenario.loses and self._regions is not None:
            self._tell(self._regions.lose())
            problem = self._regions.problem()
            messages += self._inbox.receive("", MESSAGE_WITHIN_SECONDS)
        if scenario.chooses is not None and messages:
            messages += self._resolve(scenario.chooses)
            problem = None if messages[-1].attributes.get("state") == "closed" else "its incident was not closed"
        if shop is not None:
            self._tell(shop.close())
            problem = problem or shop.problem(scenario.counts or {})
        return problem

    def _tell(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._screen.say(f"  {line}", "cyan")

    def _built(self, scenario: Scenario) -> Path:
        """Build the scenario's release and return its zip."""
        archive = self._releases / scenario.application / f"{scenario.application}-{scenario.version}.zip"
        if scenario.synthesised:
            archive.parent.mkdir(parents=True, exist_ok=True)
            example = EXAMPLES / scenario.application
            return build_assembled(example / "release", read_assembly(example / "cdk.out", {}), archive).path
        return build_release(assemble(scenario.application, scenario.version, self._releases), archive).path

    def _register_executor(self, application: str) -> None:
        self._secret = secret_of_database(self._engine)
        bucket = self._outputs["ArtifactBucketName"]
        arn = register_executor(self._engine, bucket, application, INSTANCE, self._secret)
        self._screen.say(f"\nThe operator has registered {arn}, which changes {INSTANCE} from now on.")

    def _resolve(self, number: int) -> list[Received]:
        """Understand and resolve the open incident by commands only: acknowledge it, take a choice, close it.

        The sweep checks the stacks every five minutes, too late for the demo.
        """
        (found,) = json.loads(self._approver.run("belay", "incidents", "--output", "json"))["incidents"]
        name = found["incident"]
        self._belay("belay", "incident", "acknowledge", name, "--comment", "I look why it cannot be changed")
        told = self._inbox.receive("", MESSAGE_WITHIN_SECONDS)
        self._belay("belay", "incident", "show", name)
        shown = json.loads(self._approver.run("belay", "incident", "show", name, "--output", "json"))
        command = shown["left_to_do"][0]["choices"][number - 1]["command"]
        self._screen.say(f"  {self._person.name} runs: {command}", "cyan")
        paste(command, self._engine.environment)
        told += self._swept()
        self._belay(
            "belay", "incident", "close", name, "--why", "the database can be changed again; tasks are replaced"
        )
        self._belay("belay", "status", found["application"])
        return told + self._inbox.receive("", MESSAGE_WITHIN_SECONDS)

    def _swept(self) -> list[Received]:
        """Run the sweep until it announces something, and return that."""
        sweep = self._engine.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId="SweepFunction"
        )["StackResourceDetail"]["PhysicalResourceId"]
        deadline = time.monotonic() + OUTCOME_WITHIN_SECONDS
        while time.monotonic() < deadline:
            self._engine.client("lambda").invoke(FunctionName=sweep, Payload=b"{}")
            told = self._inbox.receive("", 1)
            if told:
                return told
        return []

    def _belay(self, *words: str) -> None:
        """Run a command as the person on call, and show it."""
        self._screen.say(f"  {shlex.join(words)}", "cyan")
        for line in self._approver.run(*words).splitlines():
            self._screen.say(f"    {line}")

    def _upload(self, scenario: Scenario, archive: Path) -> None:
        self._s3.put_object(
            Bucket=self._outputs["ReleaseBucketName"],
            Key=f"releases/{scenario.application}/{archive.name}",
            Body=archive.read_bytes(),
        )

    def _follow(
        self, scenario: Scenario, began: float, meanwhile: Cancellation | Shop | None
    ) -> tuple[str | None, float]:
        """Show the progress until there is an outcome or the time is up; return the outcome and the seconds it took."""
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            self._screen.progress(self._progress.look())
            for asked in self._person.answer(scenario.application, scenario.answers) if scenario.answers else []:
                self._screen.say(f"  {self._person.name} is asked: {asked} {scenario.answers}", "cyan")
            self._tell(self._approver.answer(self._attempt(scenario)) if scenario.asks else ())
            self._tell(meanwhile.act() if meanwhile else ())
            outcome, seconds = self._outcome(scenario), time.monotonic() - began
            if outcome or seconds > OUTCOME_WITHIN_SECONDS:
                return outcome, seconds

    def _settle(self) -> list[Execution]:
        """Wait for executions that are about to end: the outcome is written a moment before."""
        deadline = time.monotonic() + END_WITHIN_SECONDS
        while True:
            executions = self._progress.look()
            self._screen.progress(executions)
            if time.monotonic() > deadline or not any(execution.running for execution in executions):
                return executions
            time.sleep(LOOK_EVERY_SECONDS)

    def _outcome(self, scenario: Scenario) -> str | None:
        if self._pipeline is not None:
            return self._pipeline.outcome()
        attempt = self._attempt(scenario)
        return None if attempt is None else attempt.outcome

    def _attempt(self, scenario: Scenario) -> Attempt | None:
        """The newest attempt at a scenario's release."""
        attempts = self._ledger.attempts.of_version(scenario.application, scenario.version)
        return attempts[-1] if attempts else None

    def _why(self, executions: Sequence[Execution]) -> str:
        if not executions:
            return "the upload started no execution"
        return "\n".join(f"{each.machine} {each.stage or ''}: {self._end(each)}" for each in executions)

    def _end(self, execution: Execution) -> str:
        described = self._stepfunctions.describe_execution(executionArn=execution.arn)
        at = execution.steps[-1].state if execution.steps else "its beginning"
        return " ".join(filter(None, (described["status"], f"at {at}", described.get("error"), described.get("cause"))))


def play(screen: Screen, scenarios: Sequence[Scenario]) -> list[DemoResult]:
    """Play the scenarios on one engine, or on several in parallel, and return the results in the scenarios' order."""
    os.environ.setdefault("SFN_WAIT_SCALE", WAIT_SCALE)
    first, *others = side_by_side(scenarios)
    screens = [screen.beside() for _ in others]
    with ExitStack() as engines, ThreadPoolExecutor() as threads:
        # The engines stop first, which ends the threads' work, also when this one fails or is interrupted.
        started = [engines.enter_context(_start(elsewhere=_elsewhere(each))) for each in (first, *others)]
        beside = [
            threads.submit(_play, *each, f"beside-{number}")
            for number, each in enumerate(zip(started[1:], screens, others, strict=True))
        ]
        try:
            results = _play(started[0], screen, first, "first")
            for future, shown in zip(beside, screens, strict=True):
                results += future.result()
                screen.show(shown)
        finally:
            engines.close()
    found = {result.scenario.name: result for result in results}
    return [found[scenario.name] for scenario in scenarios]


def _start(*, elsewhere: bool) -> EmbeddedEngine:
    """Start an engine; one with stages elsewhere enforces permissions, and its databases are available immediately."""
    return EmbeddedEngine.start(permissions=True, snapshot_seconds=0.0) if elsewhere else EmbeddedEngine.start()


def _play(engine: EmbeddedEngine, screen: Screen, scenarios: Sequence[Scenario], name: str) -> list[DemoResult]:
    """Deploy Belay to an engine, register the applications, and play the scenarios, with files under ``name``."""
    began = time.monotonic()
    screen.say("Deploying template.yaml to an embedded engine with the SAM CLI ...")
    elsewhere = _elsewhere(scenarios)
    spokes = {"SpokeAccounts": SPOKE_ACCOUNT} if elsewhere else {}
    outputs = deploy(engine, stack_name=STACK, parameters={**LOCAL_PARAMETERS, **spokes})
    screen.say(f"Belay is deployed after {time.monotonic() - began:.1f} s; the engine's log is {_short(engine.log)}.")
    applications = sorted({scenario.application for scenario in scenarios})
    spoke = join(engine, applications, hub=STACK) if elsewhere else None
    if spoke is not None:
        screen.say(f"Account {spoke.account} has what stages in {spoke.region} need: the templates of accounts/.")
    for application in applications:
        names = register(engine, STACK, application, outputs["ArtifactBucketName"], spoke)
        screen.say(f"The operator has registered {application}: {', '.join(names)}.")
    regions = Regions(engine, spoke, BUILD / name) if spoke is not None and APPLICATION in applications else None
    demo = Demo(engine, outputs, screen, BUILD / name, spoke=spoke, regions=regions)
    return [demo.play(scenario) for scenario in scenarios]


def _elsewhere(scenarios: Sequence[Scenario]) -> bool:
    """Whether a stage is in another account, on an engine that enforces permissions."""
    return any(scenario.elsewhere for scenario in scenarios)


def tell(screen: Screen, results: Sequence[DemoResult]) -> None:
    """Show the on-call subscriber's messages, then how each release ended."""
    screen.say("\nWhat the on-call subscriber received", "bold underline")
    for result in results:
        screen.messages(result.scenario, result.messages)
    screen.say("")
    screen.table(
        "Releases",
        ("scenario", "release", "expected", "outcome", "seconds", "messages"),
        [
            (
                (
                    result.scenario.name,
                    f"{result.scenario.application} {result.scenario.version}",
                    result.scenario.expected,
                    result.outcome or "none",
                    f"{result.seconds:.1f}",
                    str(len(result.messages)),
                ),
                result.as_expected,
            )
            for result in results
        ],
    )
    for result in results:
        if result.problem:
            screen.say(f"{result.scenario.name} did not end: {result.problem}", "bold red")


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the demo and write the report; return 0 only if every release ended as expected."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=main.__doc__)
    parser.add_argument("--only", metavar="NAMES", help="play only these scenarios, separated by commas")
    try:
        scenarios = chosen(parser.parse_args(arguments).only)
    except UnknownScenarioError as error:
        parser.error(str(error))
    signal.signal(signal.SIGTERM, _stop)
    screen = Screen(Console(highlight=False))
    REPORT.unlink(missing_ok=True)
    try:
        results = play(screen, scenarios)
    except KeyboardInterrupt:
        screen.say("\nStopped. Nothing is left running.")
        return 130
    except _STOPPING as error:
        screen.say(f"\nThe demo cannot continue: {error}", "bold red")
        return 1
    tell(screen, results)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps([result.to_dict() for result in results], indent=2, ensure_ascii=False) + "\n")
    screen.say(f"The report is {_short(REPORT)}.")
    return 0 if all(result.as_expected for result in results) else 1


def _style(result: DemoResult) -> str:
    return "bold green" if result.as_expected else "bold red"


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
