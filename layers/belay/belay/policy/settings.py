"""An operator's policy settings for one application: networks, ports, severities and waivers.

They are in the operator's registration, never in the release: a release cannot relax them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from belay.errors import InvalidRegistration
from belay.policy.slugs import slugs
from belay.policy.verdict import Severity

PORTS = range(65_536)
WEB_PORTS = frozenset({80, 443})
_DIGEST = re.compile(r"[0-9a-f]{64}")

MAXIMUMS: Final[Mapping[str, int]] = {"index-columns": 3, "indexes-per-table": 10}
"""The policies that count something, and the default limits."""
LARGEST_MAXIMUM = 1_000

GUARD = "guard:"
"""The prefix of the operator's cfn-guard rules: ``guard:S3_BUCKET_VERSIONING_ENABLED``."""

TEMPLATE = "template:"
"""The prefix of findings that a template cannot or may not be deployable: ``template:F3006``."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A violation that an operator accepts: of which policy, on which resource, why, who is responsible, until when.

    ``resource`` is a logical id as in a finding (``Network/Web`` in a nested stack), a group id, or ``*``.
    ``expires`` is the last day on which it is valid.
    """

    policy: str
    resource: str
    reason: str
    owner: str
    expires: date

    @property
    def shown(self) -> str:
        """The reason, the owner and the last day, to display."""
        return f"{self.reason} ({self.owner}, until {self.expires.isoformat()})"


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """The policy settings of one application.

    ``trusted_networks`` are the only peers allowed on ports other than ``allowed_ports``; if empty, peers are not
    checked. ``allowed_ports`` may be open to the Internet. ``severities`` replace those of the policies, ``maximums``
    those of :data:`MAXIMUMS`; ``disabled`` policies are not applied. Findings of at least ``blocking`` severity stop a
    release, others are advice and left out without ``advice``. ``guard_rules`` are the operator's cfn-guard
    rules: their keys in the artifact bucket, below ``rules/``, with their SHA-256.
    """

    trusted_networks: tuple[str, ...] = ()
    allowed_ports: frozenset[int] = WEB_PORTS
    severities: Mapping[str, Severity] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()
    maximums: Mapping[str, int] = field(default_factory=dict)
    blocking: Severity = Severity.HIGH
    waivers: tuple[Waiver, ...] = ()
    guard_rules: Mapping[str, str] = field(default_factory=dict)
    advice: bool = True

    def maximum(self, slug: str) -> int:
        """Return how many a policy of :data:`MAXIMUMS` allows."""
        return self.maximums.get(slug, MAXIMUMS[slug])

    @classmethod
    def from_registration(
        cls, mapping: Mapping[str, Any], trusted_networks: Iterable[object] = (), *, path: str = "policies"
    ) -> PolicySettings:
        """Read the ``policies`` of a registration; ``trusted_networks`` are the registration's.

        ``{"allowed_ports": [443], "severities": {"rule-description": "high"}, "disabled": ["http80-open"],
        "maximums": {"index-columns": 4}, "blocking": "high", "waivers": [{"policy": "ssh-open", "resource": "Bastion",
        "reason": "...", "owner": "...", "expires": "2026-12-31"}]}``; everything is optional.

        Raises :class:`InvalidRegistration` with every problem, each with its path.
        """
        reader = _SettingsReader(path)
        settings = reader.read(mapping, trusted_networks)
        if reader.problems:
            raise InvalidRegistration(reader.problems)
        return settings


class _SettingsReader:
    KEYS = frozenset({"allowed_ports", "severities", "disabled", "maximums", "blocking", "waivers", "guard_rules"})

    def __init__(self, path: str) -> None:
        self._path = path
        self.problems: list[str] = []

    def read(self, mapping: Any, trusted_networks: Iterable[object]) -> PolicySettings:
        if not isinstance(mapping, Mapping):
            self._problem("", "an object", mapping)
            return PolicySettings()
        for key in mapping:
            if key not in self.KEYS:
                self.problems.append(f"{self._path}.{key}: expected one of {', '.join(sorted(self.KEYS))}.")
        return PolicySettings(
            trusted_networks=tuple(map(str, trusted_networks)),
            allowed_ports=frozenset(self._listed(mapping, "allowed_ports", self._port))
            if "allowed_ports" in mapping
            else WEB_PORTS,
            severities=self._severities(mapping),
            disabled=frozenset(self._listed(mapping, "disabled", self._slug)),
            maximums=self._maximums(mapping),
            blocking=self._severity("blocking", mapping.get("blocking", Severity.HIGH)),
            waivers=tuple(self._listed(mapping, "waivers", self._waiver)),
            guard_rules=self._guard_rules(mapping),
        )

    def _problem(self, where: str, expected: str, found: object) -> None:
        self.problems.append(f"{self._path}{where}: expected {expected}, found {found!r}.")

    def _listed(self, mapping: Mapping[str, Any], key: str, read: Any) -> list[Any]:
        value = mapping.get(key, [])
        if not isinstance(value, (list, tuple)):
            self._problem(f".{key}", "a list", value)
            return []
        found = [read(f".{key}[{number}]", item) for number, item in enumerate(value)]
        return [item for item in found if item is not None]

    def _object(self, mapping: Mapping[str, Any], key: str, expected: str) -> Mapping[Any, Any]:
        value = mapping.get(key, {})
        if isinstance(value, Mapping):
            return value
        self._problem(f".{key}", expected, value)
        return {}

    def _port(self, where: str, value: object) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool) and value in PORTS:
            return value
        self._problem(where, "a port from 0 to 65535", value)
        return None

    def _slug(self, where: str, value: object) -> str | None:
        if value in slugs() or str(value).startswith((GUARD, TEMPLATE)):
            return str(value)
        self._problem(where, f"a policy ({', '.join(slugs())}) {GUARD}<rule> or {TEMPLATE}<rule>", value)
        return None

    def _severity(self, where: str, value: object) -> Severity:
        try:
            return Severity(str(value))
        except ValueError:
            self._problem(f".{where}", f"one of {', '.join(Severity)}", value)
            return Severity.HIGH

    def _severities(self, mapping: Mapping[str, Any]) -> dict[str, Severity]:
        found = self._object(mapping, "severities", "an object of policies and severities")
        return {
            slug: self._severity(f"severities.{slug}", severity)
            for slug, severity in found.items()
            if self._slug(f".severities.{slug}", slug)
        }

    def _maximums(self, mapping: Mapping[str, Any]) -> dict[str, int]:
        found: dict[str, int] = {}
        for slug, number in self._object(mapping, "maximums", "an object of policies and numbers").items():
            if slug not in MAXIMUMS:
                self._problem(".maximums", f"one of {', '.join(MAXIMUMS)}", slug)
            elif isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= LARGEST_MAXIMUM:
                self._problem(f".maximums.{slug}", f"a number from 1 to {LARGEST_MAXIMUM}", number)
            else:
                found[slug] = number
        return found

    def _guard_rules(self, mapping: Mapping[str, Any]) -> dict[str, str]:
        found = self._object(mapping, "guard_rules", "an object of keys below rules/ and their SHA-256")
        for key, digest in found.items():
            if not str(key).startswith("rules/"):
                self._problem(".guard_rules", "a key below rules/ in the artifact bucket", key)
            if not _DIGEST.fullmatch(str(digest)):
                self._problem(f".guard_rules.{key}", "a SHA-256 of 64 lower-case hexadecimal digits", digest)
        return {str(key): str(digest) for key, digest in found.items()}

    def _waiver(self, where: str, value: object) -> Waiver | None:
        names = ("policy", "resource", "reason", "owner", "expires")
        if not isinstance(value, Mapping) or set(value) != set(names):
            self._problem(where, f"an object of {', '.join(names)}", value)
            return None
        before = len(self.problems)
        self._slug(f"{where}.policy", value["policy"])
        for name in ("resource", "reason", "owner"):
            if not isinstance(value[name], str) or not value[name].strip():
                self._problem(f"{where}.{name}", "a text", value[name])
        try:
            expires = date.fromisoformat(str(value["expires"]))
        except ValueError:
            self._problem(f"{where}.expires", "a date such as 2026-12-31", value["expires"])
            return None
        if len(self.problems) > before:
            return None
        return Waiver(value["policy"], value["resource"], value["reason"], value["owner"], expires)
