"""Runs a CDK application, so that it writes its assembly, as the CDK's own command line does.

The environment and the context that it gives an application: ``packages/@aws-cdk/toolkit-lib`` in aws/aws-cdk-cli, and
https://docs.aws.amazon.com/cdk/v2/guide/context.html. The command is the release author's own, as cdk.json is: it runs
with everything that they may do.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

from belay.errors import InvalidRelease
from belay.release.document import quote
from cli.assembly.cloud_assembly import CONTEXT

SETTINGS: Final = "cdk.json"
_ENVIRONMENT_OF_STACKS: Final = ("CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION")
"""Left out, because they bind a stack to where it was synthesised; the registration says where a stage is."""
_STDERR: Final = 2


def synthesise(app: str, into: Path) -> Path:
    """Run an application, given by its command or by the ``cdk.json`` that has it, and return its project's folder.

    It writes its assembly into an empty directory; what it prints goes to stderr. Raises ``InvalidRelease`` if there is
    no command, or if it fails.
    """
    path = Path(app)
    project = path.parent if path.name == SETTINGS else Path()
    settings = _read(project / SETTINGS)
    command = _command(settings.get("app")) if path.name == SETTINGS else app
    if not command:
        raise InvalidRelease([f"{path}: expected the application's command as `app`, found none"])
    if (project / command).is_dir():
        raise InvalidRelease([f"{quote(command)} is a folder: for an assembly that is already written, use --cdk-out"])
    context = {**_read(project / CONTEXT), **settings.get("context", {}), **_context(settings)}
    environment = {name: value for name, value in os.environ.items() if name not in _ENVIRONMENT_OF_STACKS}
    environment |= {"CDK_OUTDIR": str(into.resolve()), "CDK_CONTEXT_JSON": json.dumps(context)}
    for each in (_command(settings.get("build")), command):
        if each:
            _run(each, project, environment)
    return project


def _read(path: Path) -> dict[str, Any]:
    """Read one of the CDK's files, which may be missing."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InvalidRelease([f"{path}: expected JSON, as the CDK writes it: {error}"]) from error
    if not isinstance(document, dict):
        raise InvalidRelease([f"{path}: expected a JSON object, found {type(document).__name__}"])
    return document


def _command(given: Any) -> str:
    return " ".join(map(str, given)) if isinstance(given, list) else str(given or "")


def _context(settings: dict[str, Any]) -> dict[str, Any]:
    """Return what the settings of ``cdk.json`` say to the library. Assets are always staged: a release has them all."""
    reporting = settings.get("versionReporting", True)
    switches = {
        "aws:cdk:enable-path-metadata": settings.get("pathMetadata", True),
        "aws:cdk:enable-asset-metadata": settings.get("assetMetadata", True),
        "aws:cdk:version-reporting": reporting,
        "aws:cdk:disable-version-reporting": not reporting,
    }
    return {name: True for name, on in switches.items() if on} | {"aws:cdk:bundling-stacks": ["**"]}


def _run(command: str, project: Path, environment: dict[str, str]) -> None:
    ended = subprocess.run(
        command, shell=True, cwd=project, env=environment, stdin=subprocess.DEVNULL, stdout=_STDERR, check=False
    )
    if ended.returncode:
        raise InvalidRelease([f"{quote(command)} ended with {ended.returncode}: expected it to write an assembly"])
