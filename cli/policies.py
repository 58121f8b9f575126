"""``belay policies``: every policy, what it is for and how to fix what it finds, as Markdown."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterator
from typing import Any

from belay.policy.applied import PolicyCheck, all_policies
from belay.policy.settings import PolicySettings

INTRODUCTION = """# Policies

<!-- Written by `belay policies`; change the policies, not this page. -->

Most policies look at security groups: those that a template and its nested stacks declare, and those that are live;
others at a deployed stage or a change set as a whole. What a service opens with rules of its own is looked at too: for
EKS node groups with `RemoteAccess`, Elastic Beanstalk environments, Lightsail instances and GameLift fleets. Each
answers with one of three verdicts.

| verdict | means |
| --- | --- |
| PASS | not so, whatever the parameters are |
| FAIL | so for some value that may be passed, under some condition that may hold |
| REVIEW | could not be decided; the finding says why. Never green by itself |

**The Internet** is nine tenths of the public IPv4 addresses, or of the IPv6 addresses that are given out: `0.0.0.0/0`
and `::/0`, but also `10.1.2.3/0`, two halves in two rules, `2000::/3` and everything but `10.0.0.0/8`. Addresses of all
rules of a group are added up, of rules that can stand side by side only. A large part of the Internet that is not
all of it is `broad-source`.

**What decides**: the values that will really be passed; the template's defaults, where nothing else will be; else every
allowed value, and for a parameter without `AllowedValues` its default and anything else. Nested templates of the
release are evaluated with what their parent passes. **What is REVIEW**: templates from elsewhere, macros and modules,
imports, dynamic references, attributes that exist only once deployed, prefix lists whose entries are not at hand. A
custom resource alone is not: it is caught by the live validation.

**Severity** decides what stops a release: `{blocking}` and graver do, the rest is advice. The operator's registration
sets this, never the release:

```yaml
trusted_networks: [10.20.0.0/16]
policies:
  allowed_ports: [443]
  severities: {{rule-description: high}}
  disabled: [http80-open]
  blocking: high
  waivers:
    - policy: ssh-open
      resource: Bastion            # logical id (Network/Bastion in a nested stack), group id, or *
      reason: The VPN is being replaced
      owner: network-team@example.com
      expires: 2026-12-31
```

A waived finding is shown with its waiver and does not count; after its last day it counts again.

**A policy of your own** is one file, `layers/belay/belay/policy/rules/security_group/ftp_open.py`:

```python
POLICY = Policy(
    title="FTP is reachable from the whole Internet",
    severity=Severity.HIGH,
    why="FTP sends passwords in clear text.",
    fix="Use SFTP, and let only the networks in that need it.",
    source="RFC 2577",
    internet="ingress",
)


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    return exposed(group, {{(TCP, 21): "FTP"}})
```

and its fixtures, `tests/fixtures/policies/security_group/ftp-open/{{bad,good,review}}-*.yaml`, without a line of test
code.

| policy | severity | finds |
| --- | --- | --- |
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: none."""


def run(arguments: argparse.Namespace) -> int:
    """Print the page."""
    sys.stdout.write(page())
    return 0


def page() -> str:
    """Return the page of all policies."""
    rows = [f"| [{one.slug}](#{one.slug}) | {one.policy.severity} | {one.policy.title} |\n" for one in all_policies()]
    sections = [line for one in all_policies() for line in _section(one)]
    return INTRODUCTION.format(blocking=PolicySettings().blocking) + "".join([*rows, *sections])


def _section(one: PolicyCheck[Any]) -> Iterator[str]:
    yield f"\n## {one.slug}\n\n"
    yield f"{one.policy.title}. Severity: {one.policy.severity}.\n\n"
    yield f"- Why: {one.policy.why}\n- Fix: {one.policy.fix}\n"
    yield f"- How: {_how(one)}\n- Source: {one.policy.source}\n"
    ports: dict[tuple[str, int], str] = getattr(inspect.getmodule(one.check), "PORTS", {})
    if ports:
        names = {"6": "TCP", "17": "UDP"}
        listed = ", ".join(f"{names[protocol]} {port} ({name})" for (protocol, port), name in ports.items())
        yield f"- Ports: {listed}\n"


def _how(one: PolicyCheck[Any]) -> str:
    return (inspect.getdoc(one.check) or "").replace("\n", " ").replace("``", "`")
