"""How a release is named on the command line: ``orders/1.2.0``, or ``orders`` for its newest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import click

from belay.ledger.ledger import Ledger
from belay.release.attempt import Attempt
from belay.release.names import NAME, NAME_RULE
from belay.release.records import ReleaseReference
from cli.options import argument
from cli.problems import Refused


@dataclass(frozen=True)
class ReleaseName:
    """An application and one of its releases: a version, or the file name of an upload that was not accepted."""

    application: str
    version: str | None

    def __str__(self) -> str:
        return f"{self.application}/{self.version}" if self.version else self.application


def release_name(text: str) -> ReleaseName:
    """Read an argument. Raises ``click.BadParameter`` where it names no application."""
    application, slash, version = text.partition("/")
    if not NAME.fullmatch(application) or (slash and not version):
        raise click.BadParameter(f"expected application/version such as orders/1.2.0, found {text!r}")
    return ReleaseName(application, version or None)


def application_name(text: str) -> str:
    """Read the name of an application. Raises ``click.BadParameter`` where it is none."""
    if not NAME.fullmatch(text):
        raise click.BadParameter(f"expected the name of an application ({NAME_RULE}), found {text!r}")
    return text


release_argument: Final = argument("release", type=release_name, help="orders/1.2.0, or orders for its newest")
application_argument: Final = argument("application", type=application_name, help="the application's name")
optional_application: Final = argument("application", required=False, type=application_name, help="default: all")
stage_argument: Final = argument("stage", help="the stage's name")


def find_attempts(ledger: Ledger, name: ReleaseName) -> list[Attempt]:
    """Return the attempts at what is named, oldest first: at a version, under a file's name, or the newest of all.

    Raises ``Refused`` where there is none, saying which there are.
    """
    if name.version is None:
        newest = ledger.attempts.newest(name.application, 1)
        if not newest:
            raise Refused(f"{name.application} has no releases; see `belay list`")
        version = newest[0].version
        return newest if version is None else ledger.attempts.of_version(name.application, version)
    found = ledger.attempts.of_version(name.application, name.version)
    found = found or ledger.attempts.of_file(name.application, name.version)
    if not found:
        raise _unknown(ledger, name)
    return found


def find_accepted(ledger: Ledger, name: ReleaseName) -> Attempt:
    """Return the newest attempt that was accepted as a release. Raises ``Refused`` where there is none."""
    if name.version is None:
        accepted = (each for each in ledger.attempts.newest(name.application, _LOOKED_AT) if each.release is not None)
        found = next(accepted, None)
    else:
        found = ledger.attempts.current(name.application, name.version)
    if found is None:
        raise _unknown(ledger, name)
    return found


def find_release(ledger: Ledger, name: ReleaseName) -> ReleaseReference:
    """Return the release that the newest accepted attempt is about. Raises ``Refused`` where there is none."""
    release = find_accepted(ledger, name).release
    if release is None:
        raise _unknown(ledger, name)
    return release


def _unknown(ledger: Ledger, name: ReleaseName) -> Refused:
    known = dict.fromkeys(each.name for each in ledger.attempts.newest(name.application, _LOOKED_AT))
    if not known:
        return Refused(f"{name.application} has no releases; see `belay list`")
    what = f"release {name.version}" if name.version else "accepted release"
    return Refused(f"{name.application} has no {what}; its newest are {', '.join([*known][:5])}")


_LOOKED_AT: Final = 50
