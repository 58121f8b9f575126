"""``belay policies``: describes every policy and how to fix its findings, as Markdown."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import click

from belay.policy.applied import PolicyCheck, all_policies
from belay.policy.settings import PolicySettings

INTRODUCTION = """# Policies

<!-- Written by `belay policies`; change the policies, not this page. -->

Most policies check security groups, both those that a template and its nested stacks declare and live ones; others
check a deployed stage or a change set as a whole, or [database changes](database-changes.md). Ports that a service
opens with rules of its own are checked too: of EKS node groups with `RemoteAccess`, Elastic Beanstalk environments,
Lightsail instances and databases, GameLift fleets and the replication servers of Elastic Disaster Recovery. Each
policy gives one of three verdicts.

| verdict | meaning |
| --- | --- |
| PASS | not violated, whatever the parameters are |
| FAIL | violated for some possible value of a parameter or a condition |
| REVIEW | could not be decided; the finding says why. It does not pass without a person's review |

**The Internet** is nine tenths of the public IPv4 addresses, or of the allocated IPv6 addresses: `0.0.0.0/0` and
`::/0`, but also `10.1.2.3/0`, two halves in two rules, `2000::/3` and everything except `10.0.0.0/8`. The addresses of
all rules of a group that can exist at the same time are added up. A large part of the Internet, but not all of it, is
`broad-source`.

**A parameter's values** are the value that will be passed; the template's default, if no other value will be passed;
otherwise every allowed value, or without `AllowedValues` the default and any other value. Nested templates of the
release are evaluated with the values that their parent passes. **REVIEW** is the verdict on templates from elsewhere,
macros and modules, imports from other releases, dynamic references, parameters that stand in a table, attributes that
exist only after deployment (`belay validate --parameters` takes them as `Settings.Office`, of a nested stack as
`Storage/Settings.Office`), resources that deploy templates of their own (products, stack sets, AWS Launch Wizard),
loops that make a key twice, and prefix lists whose entries are not available. A custom resource by itself is not
REVIEW: live validation checks what it did. A number or word without quotes that YAML's versions read differently
(`010`, `1_0`, `on`) has all its readings: as a port or protocol it is REVIEW, in a condition
every reading is evaluated.

**Severity** decides what stops a release: findings of severity `{blocking}` or higher do, the rest are advice. The
operator's registration sets this, never the release:

```yaml
trusted_networks: [10.20.0.0/16]
policies:
  allowed_ports: [443]
  severities: {{rule-description: high}}
  disabled: [http80-open]
  maximums: {{index-columns: 4, indexes-per-table: 12}}
  blocking: high
  waivers:
    - policy: ssh-open
      resource: Bastion            # logical id (Network/Bastion in a nested stack), group id, table, or *
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
    fix="Use SFTP, and allow only the networks that need it.",
    source="RFC 2577",
    internet="ingress",
)


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    return exposed(group, {{(TCP, 21): "FTP"}})
```

and its fixtures, `tests/fixtures/policies/security_group/ftp-open/{{bad,good,review}}-*.yaml`; it needs no test code.

| policy | severity | finds |
| --- | --- | --- |
"""


@click.command()
def command() -> int:
    """List every policy and how to fix its findings, as Markdown."""
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
