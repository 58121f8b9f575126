"""Writes the parameters below a path of Parameter Store to a file in memory that only the service can read.

``configuration.py --path /hello/production --region eu-west-1`` reads them once for a deployment: what it wrote stands
when it runs again for the same one, or when the service starts again. ``--again`` reads in any case, and ``--restart``
restarts a unit where something changed. Names and versions are told, never a value. Needs the AWS CLI and nothing else.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

NEEDED = Path(__file__).with_name("needed.txt")
LOG = logging.getLogger("configuration")
FILE = "/run/hello/configuration.json"


class ConfigurationError(Exception):
    """Raised where the configuration cannot be read or lacks a name; the message holds no value."""


def main(arguments: list[str]) -> None:
    """Write the file, unless it is this deployment's already."""
    given = _parsed(arguments)
    file, deployment = Path(given.file), os.environ.get("DEPLOYMENT_ID", "")
    old = json.loads(file.read_text()) if file.exists() else None
    if old and not given.again and deployment in ("", old["deployment"]):
        LOG.info("%s: read for %s, kept", file, old["deployment"] or "the start of this instance")
        return
    new = read(given.path, given.region, deployment or (old or {}).get("deployment", ""))
    require(new["versions"], given.path)
    if old and old["versions"] == new["versions"] and old["deployment"] == new["deployment"]:
        LOG.info("%s: nothing changed", file)
        return
    write(file, new, given.owner)
    LOG.info("%s: %s", file, ", ".join(f"{name} (version {version})" for name, version in new["versions"].items()))
    if given.restart:
        subprocess.run(["systemctl", "try-restart", given.restart], check=True)  # noqa: S603, S607 - a unit's own name


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--file", default=FILE)
    parser.add_argument("--owner")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--restart")
    return parser.parse_args(arguments)


def read(path: str, region: str, deployment: str) -> dict[str, Any]:
    """Return values and versions by name below the path. Raises ``ConfigurationError``."""
    command = ["aws", "ssm", "get-parameters-by-path", "--path", path, "--recursive", "--with-decryption"]
    # Without a configuration file, the CLI keeps no history of answers and pages them to nobody.
    quiet = {**os.environ, "AWS_CONFIG_FILE": os.devnull, "AWS_PAGER": ""}
    run = subprocess.run(  # noqa: S603 - no shell, and a path that its operator gave
        [*command, "--region", region, "--output", "json"], env=quiet, capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        raise ConfigurationError(f"{path} could not be read: {run.stderr.strip()}")
    found = sorted(json.loads(run.stdout)["Parameters"], key=lambda each: str(each["Name"]))
    short = {each["Name"]: each["Name"][len(path) :].lstrip("/") for each in found}
    return {
        "deployment": deployment,
        "values": {short[each["Name"]]: each["Value"] for each in found},
        "versions": {short[each["Name"]]: each["Version"] for each in found},
    }


def require(versions: dict[str, int], path: str) -> None:
    """Raise ``ConfigurationError`` where a name that the application needs is not there."""
    missing = [name for name in NEEDED.read_text().split() if name not in versions]
    if missing:
        there = ", ".join(versions) or "nothing"
        raise ConfigurationError(f"{path}: expected {', '.join(missing)}; found {there}")


def write(file: Path, configuration: dict[str, Any], owner: str | None) -> None:
    """Replace the file in one step; nobody but the owner can read it, at no time.

    The owner may look into the folder and change nothing there: what root writes to is never what somebody else put.
    """
    file.parent.mkdir(mode=0o700, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=str(file.parent))
    try:
        with os.fdopen(handle, "w") as opened:
            json.dump(configuration, opened)
            if owner:
                user = pwd.getpwnam(owner)
                os.fchown(opened.fileno(), user.pw_uid, user.pw_gid)
                os.chown(file.parent, -1, user.pw_gid)
                file.parent.chmod(0o750)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink()
        raise


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    try:
        main(sys.argv[1:])
    except ConfigurationError as error:
        sys.exit(str(error))
