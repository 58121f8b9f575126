"""How fast templates and live groups are checked as operators check them, compared with other tools, as ratios.

    .venv/bin/python benchmarks/policy.py [--only one-template,...] [--templates DIR] [--peers DIR] [--output FILE]

Everything is measured in one run, as medians of five rounds, so that other load of the machine affects all of it:
with all policies as they are by default, as text and as JSON. The peers are installed from the package indexes into
their own folder on the first run; one that is not available is named. Installing compiles them to bytecode; Belay's own
modules are compiled here, as installing them would. Times are CPU times, so that waiting does not count.
``--templates`` is a folder of real templates for the batch; the default is the project's own examples. The command
fails if a goal is missed.
"""

import argparse
import compileall
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "belay")]

import yaml  # noqa: E402 - the two lines above find the rest

from belay.policy.gate import check_groups  # noqa: E402
from belay.policy.settings import PolicySettings  # noqa: E402
from belay.template.loader import load  # noqa: E402
from benchmarks import policy_inputs as inputs  # noqa: E402
from benchmarks.policy_peers import PolicyPeers  # noqa: E402

BUILD = ROOT / "build" / "benchmarks"
RUNS = 5
FACTORS = {"checkov, all rules": 30, "cfn-lint, all rules": 75}
"""How many times faster than a peer one template of literals must be checked."""


@dataclass(frozen=True)
class Run:
    """One run of a process: seconds of the processor, peak memory in MiB, exit status."""

    seconds: float
    mebibytes: float
    status: int


@dataclass(frozen=True)
class PolicyLine:
    """One measurement: its name, value and unit, and its goal or a note; ``kept`` is ``None`` without a goal."""

    name: str
    value: float
    unit: str
    goal: str = ""
    kept: bool | None = None

    @property
    def shown(self) -> str:
        """The line to print."""
        verdict = "" if self.kept is None else "kept: " if self.kept else "MISSED: "
        return f"{self.name:<56}{self.value:>9.3f} {self.unit:<4}{verdict}{self.goal}"


# A child's peak memory counts what it shared with its parent before exec: hence a small parent.
LAUNCHER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))
"""


def run(command: Sequence[str | Path]) -> Run:
    """Run a command to its end and discard its output."""
    words = [sys.executable, "-S", "-c", LAUNCHER, *map(str, command)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT)
    spent, peak, status = done.stdout.split()
    return Run(float(spent), float(peak), int(status))


def seconds(measured: Callable[[], object]) -> float:
    """Return the seconds that the processor spent on a call."""
    start = time.process_time()
    measured()
    return time.process_time() - start


# The command without cloudformation-validate installed, whose schemas take 230 MiB for any template.
ALONE = """
import sys
sys.modules["cloudformation_validate"] = None
from cli.__main__ import console
sys.argv[0] = "belay"
console()
"""


def belay(*arguments: str | Path) -> list[str | Path]:
    """Return the command line of ``belay validate``."""
    return [sys.executable, "-m", "cli", "validate", *arguments]


def one_template(peers: PolicyPeers) -> Iterator[PolicyLine]:
    """Measure templates of 1 MB with 500 groups of 13 rules, of literals and of parameters, as whole processes."""
    literals, parameters, passed = (BUILD / name for name in ("literals.yaml", "parameters.yaml", "passed.json"))
    literals.write_text(inputs.of_literals())
    parameters.write_text(inputs.with_parameters())
    passed.write_text(json.dumps(inputs.PARAMETERS))
    guarded = f"{GUARD}, parameters"
    commands: dict[str, list[str | Path]] = {
        "belay, text": belay(literals),
        "belay, JSON": belay("--format", "json", literals),
        "belay, parameters passed, text": belay("--parameters", passed, parameters),
        "belay, parameters passed, JSON": belay("--parameters", passed, "--format", "json", parameters),
        "belay, any parameters, text": belay(parameters),
        "belay, any parameters, JSON": belay("--format", "json", parameters),
        **peers.commands(literals),
        guarded: peers.commands(parameters)[GUARD],
    }
    there = {name: command for name, command in commands.items() if peers.there(command)}
    runs = [{name: run(command) for name, command in there.items()} for _ in range(RUNS)]
    spent = {name: statistics.median(one[name].seconds for one in runs) for name in there}
    for name in commands:
        if name in spent:
            peak = max(one[name].mebibytes for one in runs)
            yield PolicyLine(f"1 MB: {name}", spent[name], "s", f"{peak:.0f} MiB")
        else:
            yield PolicyLine(f"1 MB: {name}", 0, "s", "ABSENT: it cannot be had here")
    for name in ("belay, text", "belay, parameters passed, text"):
        peak = max(one[name].mebibytes for one in runs)
        yield PolicyLine(f"  {name}: memory", peak, "MiB", "under 60", peak < 60)
    for name, other, most in LIMITS:
        if other in spent:
            yield ratio(f"  {name} / {other}", spent[name] / spent[other], most)
    for name, factor in FACTORS.items():
        if name in spent:
            times = spent[name] / spent["belay, text"]
            yield PolicyLine(f"  {name} / belay, text", times, "x", f"at least {factor}", times >= factor)


GUARD = "cfn-guard, one rule"
LIMITS = (
    ("belay, text", GUARD, 0.5),
    ("belay, JSON", GUARD, 0.8),
    ("belay, parameters passed, text", "belay, text", 2),
    ("belay, parameters passed, JSON", "belay, JSON", 2),
    ("belay, any parameters, text", "belay, text", 2),
    ("belay, any parameters, JSON", "belay, JSON", 2),
)
"""The maximum share of another's time."""


def ratio(name: str, value: float, most: float) -> PolicyLine:
    """Return a ratio with its goal."""
    return PolicyLine(name, value, "x", f"at most {most}", value <= most)


def batch(peers: PolicyPeers, folder: Path) -> Iterator[PolicyLine]:
    """Measure real templates in one process: time, memory, and that it completes."""
    commands = {"belay": belay(folder), "belay alone": alone(folder), "checkov": peers.batch(folder)}
    there = {name: command for name, command in commands.items() if peers.there(command)}
    runs = [{name: run(command) for name, command in there.items()} for _ in range(RUNS)]
    spent = {name: statistics.median(one[name].seconds for one in runs) for name in there}
    for name, seconds_spent in spent.items():
        yield PolicyLine(
            f"real templates: {name}", seconds_spent, "s", f"{max(one[name].mebibytes for one in runs):.0f} MiB"
        )
    peak = max(one["belay alone"].mebibytes for one in runs)
    yield PolicyLine("  belay without cloudformation-validate: memory", peak, "MiB", "under 60", peak < 60)
    if "checkov" in spent:
        times = spent["checkov"] / spent["belay"]
        yield PolicyLine("  checkov / belay", times, "x", "at least 15", times >= 15)


def alone(*arguments: str | Path) -> list[str | Path]:
    """Return the command line of ``belay validate`` without cloudformation-validate."""
    return [sys.executable, "-c", ALONE, "validate", *arguments]


class TaggedLoader(yaml.CSafeLoader):
    """PyYAML's fast loader with CloudFormation's tags, on which most tools are based."""


def _tagged(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    scalar = isinstance(node, yaml.ScalarNode)
    return {suffix: loader.construct_scalar(node) if scalar else loader.construct_sequence(node, deep=True)}


TaggedLoader.add_multi_constructor("!", _tagged)


def loader(_: PolicyPeers) -> Iterator[PolicyLine]:
    """Measure reading the 1 MB template, including line and column, duplicate keys and limits."""
    data = inputs.of_literals().encode()
    rounds = [
        (seconds(lambda: load(data, "one-megabyte.yaml")), seconds(lambda: yaml.load(data, Loader=TaggedLoader)))
        for _ in range(RUNS)
    ]
    own = statistics.median(first for first, _ in rounds)
    peer = statistics.median(second for _, second in rounds)
    yield PolicyLine("loading 1 MB: belay", own, "s")
    yield PolicyLine("loading 1 MB: CSafeLoader with tags", peer, "s")
    yield PolicyLine("  CSafeLoader / belay", peer / own, "x", "at least 3", peer / own >= 3)


def live(peers: PolicyPeers) -> Iterator[PolicyLine]:
    """Measure 10,000 live groups of 20 rules under all policies, compared with one text comparison per rule.

    ``--advice`` adds a finding for every block of more than one address: 200,000 of them. Prowler builds a set of the
    ports of every range; if each rule has one port, reading the rules takes an eighth of its time, in any tool.
    """
    today = date(2026, 1, 1)
    blocking, advice = PolicySettings(advice=False), PolicySettings()
    trusted = PolicySettings(advice=False, trusted_networks=("10.0.0.0/8",))
    for name, ports, factor in (("mixed", inputs.MIXED_PORTS, 7), ("single ports", inputs.SINGLE_PORTS, None)):
        groups = inputs.live_groups(ports)
        path = BUILD / "groups.json"
        path.write_text(json.dumps({"SecurityGroups": groups}))
        listed = BUILD / "listed.json"
        listed.write_text(json.dumps(groups))
        gc.freeze()  # else every collection would scan the groups, too
        measured: dict[str, Callable[[], float | None]] = {
            "plain text comparison": timed(lambda: [group for group in groups if inputs.plainly_open(group)]),  # noqa: B023
            "belay": timed(lambda: check_groups(groups, {}, blocking, today, path="live")),  # noqa: B023
            "belay, networks listed": timed(lambda: check_groups(groups, {}, trusted, today, path="live")),  # noqa: B023
            "belay, advice": timed(lambda: check_groups(groups, {}, advice, today, path="live")),  # noqa: B023
            "belay, whole command": lambda: run(belay("--live", path)).seconds,  # noqa: B023
            "prowler, one check": lambda: peers.prowler(listed),  # noqa: B023
        }
        rounds = [{each: measure() for each, measure in measured.items()} for _ in range(RUNS)]
        spent = {each: medians([one[each] for one in rounds]) for each in measured}
        for each, seconds_spent in spent.items():
            goal = "" if seconds_spent else "ABSENT: it cannot be had here"
            yield PolicyLine(f"10,000 live groups, {name}: {each}", seconds_spent or 0, "s", goal)
        own, plain, prowler = (spent[each] for each in ("belay", "plain text comparison", "prowler, one check"))
        if own and plain:
            yield ratio("  belay / plain text comparison", own / plain, 8)
        if own and prowler:
            goal, kept = (f"at least {factor}", prowler / own >= factor) if factor else ("", True)
            yield PolicyLine("  prowler / belay", prowler / own, "x", goal, kept)


def timed(measured: Callable[[], object]) -> Callable[[], float]:
    """Return the measurement of a call."""
    return lambda: seconds(measured)


def medians(found: Sequence[float | None]) -> float | None:
    """Return the median, or ``None`` if something could not be measured."""
    known = [each for each in found if each is not None]
    return statistics.median(known) if len(known) == len(found) else None


def hostile(peers: PolicyPeers) -> Iterator[PolicyLine]:
    """Measure the time and memory for malicious templates: with cloudformation-validate, and without."""
    folder = BUILD / "hostile"
    folder.mkdir(exist_ok=True)
    for name, text in inputs.hostile():
        path = folder / name
        path.write_text(text)
        commands = {"": belay(path), " alone": alone(path)}
        runs = [{each: run(command) for each, command in commands.items()} for _ in range(RUNS)]
        for each in commands:
            spent = statistics.median(one[each].seconds for one in runs)
            peak = max(one[each].mebibytes for one in runs)
            kept = spent < 2 and peak < 200
            yield PolicyLine(f"hostile{each}: {name}", spent, "s", f"under 2 s and 200 MiB; took {peak:.0f} MiB", kept)


SECTIONS: Mapping[str, Callable[[PolicyPeers], Iterator[PolicyLine]]] = {
    "one-template": one_template,
    "loader": loader,
    "live": live,
    "hostile": hostile,
}


def main() -> int:
    """Measure, print, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", type=Path, default=ROOT / "examples")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[*SECTIONS, "batch"])
    parser.add_argument("--peers", type=Path, default=BUILD / "policy-peers")
    parser.add_argument("--output", type=Path, default=BUILD / "policy.json")
    arguments = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    peers = PolicyPeers(arguments.peers)
    for modules in (ROOT / "cli", ROOT / "layers" / "belay" / "belay", ROOT / "packs"):
        compileall.compile_dir(modules, quiet=1)
    lines = []
    for section in arguments.only:
        measured = batch(peers, arguments.templates.resolve()) if section == "batch" else SECTIONS[section](peers)
        for line in measured:
            lines.append(line)
            print(line.shown, flush=True)
    arguments.output.write_text(json.dumps([vars(line) for line in lines], indent=1) + "\n")
    return 1 if any(line.kept is False for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
