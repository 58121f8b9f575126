"""How a release is named on the command line: ``orders/1.2.0``, or ``orders`` for its newest."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belay.ledger.ledger import Ledger
from belay.release.names import NAME, NAME_RULE
from cli.problems import Refused


@dataclass(frozen=True)
class ReleaseName:
    """An application and what names one of its releases: a version, or the file name of an upload that became none."""

    application: str
    version: str | None

    def __str__(self) -> str:
        return f"{self.application}/{self.version}" if self.version else self.application


def release_name(text: str) -> ReleaseName:
    """Read an argument. Raises ``argparse.ArgumentTypeError`` where it names no application."""
    application, slash, version = text.partition("/")
    if not NAME.fullmatch(application) or (slash and not version):
        raise argparse.ArgumentTypeError(f"expected application/version such as orders/1.2.0, found {text!r}")
    return ReleaseName(application, version or None)


def application_name(text: str) -> str:
    """Read the name of an application. Raises ``argparse.ArgumentTypeError`` where it is none."""
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected the name of an application ({NAME_RULE}), found {text!r}")
    return text


def find_release(ledger: Ledger, name: ReleaseName) -> dict[str, Any]:
    """Return a release's record. Raises ``Refused`` where there is none, saying which there are."""
    if name.version is not None:
        record = ledger.releases.get(name.application, name.version)
        if record is not None:
            return record
    known = newest_first(ledger.of_application(name.application))
    if name.version is None and known:
        return dict(known[0])
    if not known:
        raise Refused(f"{name.application} has no releases here; `belay list` shows what there is")
    versions = ", ".join(str(each["version"]) for each in known[:5])
    raise Refused(f"{name.application} has no release {name.version}; its newest are {versions}")


def newest_first(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the releases among an application's records, the one taken up last first."""
    releases = [each for each in records if str(each["SK"]).startswith("RELEASE#")]
    return sorted(releases, key=lambda each: str(each["claimed_at"]), reverse=True)
