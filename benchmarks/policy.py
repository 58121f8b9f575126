"""How fast templates and live groups are checked, compared with other tools. Medians of five, as ratios.

    .venv/bin/python benchmarks/policy.py [--templates DIR] [--only one-template,loader,...] [--output FILE]

The peers are installed from the package index into their own environment under build/benchmarks on the first run.
Installing compiles them to bytecode; Belay's own modules are compiled here, as installing them would.
``--templates`` is a folder of real templates for the batch; the default is the project's own examples and fixtures.
The command fails if a goal is missed.
"""

import argparse
import compileall
import gc
import json
import shutil
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

from belay.policy.applied import security_group_policies  # noqa: E402
from belay.policy.gate import check_groups  # noqa: E402
from belay.policy.settings import PolicySettings  # noqa: E402
from belay.template.loader import load  # noqa: E402

BUILD = ROOT / "build" / "benchmarks"
PEERS = BUILD / "peers"
BIN = PEERS / "bin"
REQUIREMENTS = {"checkov": ["checkov"], "cfn-lint": ["cfn-lint"], "cfn-guard": ["cfn-guard-rs", "PyYAML"]}
# Prowler's dependencies are the clients of several clouds; the one function measured needs none of them.
WITHOUT_DEPENDENCIES = {"prowler": ["prowler"]}
# What it would fetch is no part of judging a template.
CHECKOV = [BIN / "checkov", "--framework", "cloudformation", "--quiet", "--compact", "--skip-download"]
RUNS = 5
FACTORS = {"cfn-guard": 2, "checkov": 30, "cfn-lint": 75}
"""How many times faster than each peer one template has to be judged."""
MIB = 1024 * 1024

GUARD_RULE = """
let groups = Resources.*[ Type == 'AWS::EC2::SecurityGroup' ]
rule SSH_IS_NOT_OPEN when %groups !empty {
    %groups.Properties.SecurityGroupIngress[ FromPort <= 22 ToPort >= 22 ] { CidrIp != '0.0.0.0/0' }
}
"""
GUARD_PROGRAM = """
import sys, yaml, cfn_guard_rs
class Loader(yaml.CSafeLoader): pass
def tagged(loader, suffix, node):
    scalar = isinstance(node, yaml.ScalarNode)
    return {suffix: loader.construct_scalar(node) if scalar else loader.construct_sequence(node, deep=True)}
Loader.add_multi_constructor("!", tagged)
with open(sys.argv[1]) as file:
    print(cfn_guard_rs.run_checks(yaml.load(file, Loader=Loader), sys.argv[2]).status)
"""
PROWLER_PROGRAM = """
import json, sys, time
from prowler.providers.aws.services.ec2.lib.security_groups import check_security_group
with open(sys.argv[1]) as file:
    groups = json.load(file)
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    for group in groups:
        for rule in group["IpPermissions"]:
            if check_security_group(rule, "tcp", [22], any_address=True):
                break
    print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Run:
    """One run of a process: wall-clock seconds, peak memory in MiB, exit status."""

    seconds: float
    mebibytes: float
    status: int


@dataclass(frozen=True)
class Line:
    """One measurement: its name, value and unit, and its goal or ``None``."""

    name: str
    value: float
    unit: str
    goal: str = ""
    kept: bool = True


# A child's peak memory counts what it shared with its parent before it became another program: hence a small parent.
LAUNCHER = """
import os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(time.perf_counter() - start, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))
"""


def run(command: Sequence[str | Path]) -> Run:
    """Run a command to its end and discard its output."""
    words = [sys.executable, "-S", "-c", LAUNCHER, *map(str, command)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT)
    spent, peak, status = done.stdout.split()
    return Run(float(spent), float(peak), int(status))


def median(measure: Callable[[], float], runs: int = RUNS) -> float:
    """Return the median of some runs."""
    return statistics.median(measure() for _ in range(runs))


def seconds(measured: Callable[[], object]) -> float:
    """Return the duration of a call."""
    start = time.perf_counter()
    measured()
    return time.perf_counter() - start


def belay(*arguments: str | Path) -> list[str | Path]:
    """Return the command line of ``belay validate``."""
    return [sys.executable, "-m", "cli", "validate", *arguments]


def install_peers() -> None:
    """Install the peers into an environment apart from this checkout's other tools."""
    mark = PEERS / ".installed"
    if mark.exists():
        return
    print("installing the peers into", PEERS.relative_to(ROOT))
    subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
    pip = [BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for name, packages in REQUIREMENTS.items():
        done = subprocess.run([*pip, *packages], check=False)
        if done.returncode:
            print(f"{name} cannot be installed for this Python; it is left out")
    for packages in WITHOUT_DEPENDENCIES.values():
        subprocess.run([*pip, "--no-deps", *packages], check=False)
    mark.touch()


def one_template() -> Iterator[Line]:
    """Measure one template of 1 MB with 500 groups of 13 rules, whole processes."""
    template = BUILD / "one-megabyte.yaml"
    template.write_text(one_megabyte())
    rule = BUILD / "guard.py"
    rule.write_text(GUARD_PROGRAM)
    commands: dict[str, list[str | Path]] = {
        "belay": belay(template),
        "cfn-guard": [BIN / "python", rule, template, GUARD_RULE],
        "checkov": [*CHECKOV, "-f", template],
        "cfn-lint": [BIN / "cfn-lint", template],
    }
    missing = {name for name, command in commands.items() if shutil.which(command[0]) is None}
    if not importable("cfn_guard_rs"):
        missing.add("cfn-guard")
    # Round by round, so that what else the machine does falls on all of them.
    rounds = [
        {name: run(command).seconds for name, command in commands.items() if name not in missing} for _ in range(RUNS)
    ]
    spent = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    for name, time_spent in spent.items():
        yield Line(f"one 1 MB template: {name}", time_spent, "s")
        if name in FACTORS:
            factor = time_spent / spent["belay"]
            yield Line(f"  {name} / belay", factor, "x", f"at least {FACTORS[name]}", factor >= FACTORS[name])


def importable(module: str) -> bool:
    """Return whether the peers' environment has a module."""
    return run([BIN / "python", "-c", f"import {module}"]).status == 0


def one_megabyte() -> str:
    """Write the template: 500 groups of 13 rules, all private."""
    lines = [
        "AWSTemplateFormatVersion: '2010-09-09'",
        "Parameters:",
        "  Vpc:",
        "    Type: AWS::EC2::VPC::Id",
        "Resources:",
    ]
    for group in range(500):
        lines += [
            f"  Group{group}:",
            "    Type: AWS::EC2::SecurityGroup",
            "    Properties:",
            f"      GroupDescription: group {group}",
            "      VpcId:",
            "        Ref: Vpc",
            "      SecurityGroupIngress:",
        ]
        for number in range(13):
            lines += [
                "      - IpProtocol: tcp",
                f"        FromPort: {1000 + number}",
                f"        ToPort: {1000 + number}",
                f"        CidrIp: 10.{group % 250}.{number}.0/24",
                f"        Description: rule number {number} of group {group} from a private range",
            ]
    return "\n".join([*lines, ""])


def batch(folder: Path) -> Iterator[Line]:
    """Measure real templates in one process: time, memory, and that it completes."""
    runs = [run(belay(folder)) for _ in range(RUNS)]
    own = statistics.median(one.seconds for one in runs)
    peak = max(one.mebibytes for one in runs)
    yield Line("real templates: belay", own, "s")
    yield Line("real templates: belay's memory", peak, "MiB", "under 60", peak < 60)
    if shutil.which(BIN / "checkov") is not None:
        command = [*CHECKOV, "-d", folder]
        peer = median(lambda: run(command).seconds, 3)
        yield Line("real templates: checkov", peer, "s")
        yield Line("  checkov / belay", peer / own, "x", "at least 15", peer / own >= 15)


class TaggedLoader(yaml.CSafeLoader):
    """PyYAML's fast loader with CloudFormation's tags, on which most tools are based."""


def _tagged(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    scalar = isinstance(node, yaml.ScalarNode)
    return {suffix: loader.construct_scalar(node) if scalar else loader.construct_sequence(node, deep=True)}


TaggedLoader.add_multi_constructor("!", _tagged)


def loader() -> Iterator[Line]:
    """Measure reading the 1 MB template, including line and column, duplicate keys and limits."""
    data = one_megabyte().encode()
    rounds = [
        (seconds(lambda: load(data, "one-megabyte.yaml")), seconds(lambda: yaml.load(data, Loader=TaggedLoader)))
        for _ in range(RUNS)
    ]
    own = statistics.median(first for first, _ in rounds)
    peer = statistics.median(second for _, second in rounds)
    yield Line("loading 1 MB: belay", own, "s")
    yield Line("loading 1 MB: CSafeLoader with tags", peer, "s")
    yield Line("  CSafeLoader / belay", peer / own, "x", "at least 3", peer / own >= 3)


def live() -> Iterator[Line]:
    """Measure 10,000 live groups of 20 rules: exact unions, compared with one text comparison per rule.

    Prowler builds a set of the ports of every range, so it is eight times slower for groups with ranges, but not if
    each rule has one port: then reading the rules takes an eighth of its time, in any tool.
    """
    other = frozenset(one.slug for one in security_group_policies()) - {"ssh-open"}
    settings = PolicySettings(disabled=other)
    peer_is_there = importable("prowler")
    for name, ports, factor in (("mixed", MIXED_PORTS, 8), ("single ports", SINGLE_PORTS, None)):
        groups = live_groups(ports)
        gc.freeze()  # else every collection would look through the groups, too
        rounds = [
            (
                seconds(lambda: check_groups(groups, {}, settings, date(2026, 1, 1), path="live")),  # noqa: B023
                seconds(lambda: [group for group in groups if plainly_open(group)]),  # noqa: B023
            )
            for _ in range(RUNS)
        ]
        own, plain = (statistics.median(column) for column in zip(*rounds, strict=True))
        yield Line(f"10,000 live groups, {name}: belay", own, "s")
        yield Line(f"10,000 live groups, {name}: plain text", plain, "s")
        yield Line("  belay / plain comparison", own / plain, "x", "at most 2", own / plain <= 2)
        if peer_is_there:
            peer = prowler(groups)
            yield Line(f"10,000 live groups, {name}: prowler", peer, "s")
            goal, kept = (f"at least {factor}", peer / own >= factor) if factor else ("", True)
            yield Line("  prowler / belay", peer / own, "x", goal, kept)


def prowler(groups: Sequence[Mapping[str, Any]]) -> float:
    """Return the duration of prowler's check of one port over all groups, without its import."""
    path = BUILD / "groups.json"
    path.write_text(json.dumps(groups))
    program = [BIN / "python", "-c", PROWLER_PROGRAM, path, str(RUNS)]
    done = subprocess.run(program, check=True, capture_output=True, text=True)
    return statistics.median(float(line) for line in done.stdout.split())


SERVICES = (
    22,
    25,
    53,
    80,
    123,
    389,
    443,
    636,
    2049,
    3306,
    3389,
    5432,
    5601,
    6379,
    8080,
    8443,
    9090,
    9200,
    11211,
    27017,
)
SINGLE_PORTS = [(port, port) for port in SERVICES]
MIXED_PORTS = [*SINGLE_PORTS[:18], (8000, 8099), (30000, 32767)]
"""What groups in use hold: services, a small range, NodePorts."""


def live_groups(ports: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return groups in the format of DescribeSecurityGroups: private, except HTTPS in every twentieth."""
    return [
        {
            "GroupId": f"sg-{group:017x}",
            "IpPermissions": [
                {
                    "IpProtocol": "tcp",
                    "FromPort": first,
                    "ToPort": last,
                    "IpRanges": [{"CidrIp": block(group, number, first), "Description": "a client"}],
                    "Ipv6Ranges": [],
                    "PrefixListIds": [],
                    "UserIdGroupPairs": [],
                }
                for number, (first, last) in enumerate(ports)
            ],
            "IpPermissionsEgress": [],
        }
        for group in range(10_000)
    ]


def block(group: int, number: int, port: int) -> str:
    """Return the peer of one rule."""
    return "0.0.0.0/0" if port == 443 and group % 20 == 0 else f"10.{group % 250}.{number}.0/24"


def plainly_open(group: Mapping[str, Any]) -> bool:
    """Return what a text comparison can find: whether one rule names the whole Internet and SSH's port."""
    for rule in group["IpPermissions"]:
        if rule["IpProtocol"] == "-1" or (rule["IpProtocol"] == "tcp" and rule["FromPort"] <= 22 <= rule["ToPort"]):
            if any(source["CidrIp"] == "0.0.0.0/0" for source in rule["IpRanges"]):
                return True
            if any(source["CidrIpv6"] == "::/0" for source in rule["Ipv6Ranges"]):
                return True
    return False


def hostile() -> Iterator[Line]:
    """Measure the time and memory to refuse malicious templates."""
    folder = BUILD / "hostile"
    folder.mkdir(exist_ok=True)
    for name, data in hostile_inputs():
        path = folder / name
        path.write_bytes(data)
        runs = [run(belay(path)) for _ in range(RUNS)]
        spent = statistics.median(one.seconds for one in runs)
        peak = max(one.mebibytes for one in runs)
        kept = spent < 2 and peak < 200 and all(one.status != 0 for one in runs)
        yield Line(f"hostile {name}", spent, "s", f"refused under 2 s and 200 MiB; took {peak:.0f} MiB", kept)


def hostile_inputs() -> Iterator[tuple[str, bytes]]:
    """Yield the malicious templates."""
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)
    )
    yield "alias-bomb.yaml", f"{bomb}Resources: {{}}\n".encode()
    yield "deep.yaml", b"Resources: " + b"[" * 100_000
    yield "deep.json", b'{"Resources": ' + b"[" * 100_000
    yield "fifty-megabytes.yaml", b"Resources: {}\n" + b"# comment\n" * (5 * MIB)
    yield "duplicate-keys.yaml", b"Resources: {}\nResources: {}\n"
    rule = "{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Ref Source}"
    parameter = f"{{Type: String, AllowedPattern: '^(([a-z])+.)+[A-Z]([a-z])+$', Default: {'a' * 50_000}}}"
    yield (
        "regular-expression.yaml",
        (
            f"Parameters: {{Source: {parameter}}}\nResources: {{Group: {{Type: AWS::EC2::SecurityGroup, "
            f"Properties: {{GroupDescription: d, SecurityGroupIngress: [{rule}]}}}}}}\n"
        ).encode(),
    )
    doubled = "".join(
        f"  C{n}: !And [!Condition C{n - 1}, !Or [!Condition C{n - 1}, !Equals [!Ref P{n}, x]]]\n" for n in range(1, 60)
    )
    names = "".join(f"  P{n}: {{Type: String}}\n" for n in range(60))
    opened = rule.replace("!Ref Source", "0.0.0.0/0")
    group = f"Properties: {{GroupDescription: d, SecurityGroupIngress: [!If [C59, {opened}, !Ref AWS::NoValue]]}}"
    conditions = (
        f"Parameters:\n{names}Conditions:\n  C0: !Equals [!Ref P0, x]\n{doubled}"
        f"Resources:\n  Group:\n    Type: AWS::EC2::SecurityGroup\n    {group}\n"
    )
    yield "conditions.yaml", conditions.encode()


SECTIONS = ("one-template", "batch", "loader", "live", "hostile")


def measure(section: str, folder: Path) -> Iterator[Line]:
    """Return one section's lines."""
    if section == "batch":
        return batch(folder)
    return {"one-template": one_template, "loader": loader, "live": live, "hostile": hostile}[section]()


def main() -> int:
    """Measure, print, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", type=Path, default=ROOT / "examples")
    parser.add_argument("--only", type=lambda text: text.split(","), default=SECTIONS)
    parser.add_argument("--output", type=Path, default=BUILD / "policy.json")
    arguments = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    install_peers()
    for modules in (ROOT / "cli", ROOT / "layers" / "belay" / "belay"):
        compileall.compile_dir(modules, quiet=1)
    lines = []
    for section in arguments.only:
        for line in measure(section, arguments.templates.resolve()):
            lines.append(line)
            verdict = "" if not line.goal else f"{'kept' if line.kept else 'MISSED'}: {line.goal}"
            print(f"{line.name:<42}{line.value:>10.3f} {line.unit:<4}{verdict}", flush=True)
    arguments.output.write_text(json.dumps([vars(line) for line in lines], indent=1) + "\n")
    return 0 if all(line.kept for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
