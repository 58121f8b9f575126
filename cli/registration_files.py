"""The files of an application's registration: read, filled in, checked, and compared with what is registered."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from belay.aws.ssm import APPLICATIONS
from belay.errors import InvalidRegistration
from belay.policy.settings import PolicySettings
from belay.release.registration import Application, Pointer, Stage, parse_application, parse_stage
from cli.problems import Refused

APPLICATION_FILE: Final = "application"
ENDINGS: Final = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Registration:
    """An application's documents: its own and one for each stage, with what they say."""

    name: str
    texts: Mapping[str, str]
    application: Application
    stages: tuple[Stage, ...]

    @property
    def parameters(self) -> dict[str, str]:
        """The documents by parameter, the stages first: an application's stages must exist before it."""
        stages = {f"{APPLICATIONS}{self.name}/{stage}": self.texts[stage] for stage in self.application.stages}
        return {**stages, f"{APPLICATIONS}{self.name}": self.texts[APPLICATION_FILE]}


def read_files(paths: Sequence[Path]) -> dict[str, str]:
    """Read ``application.yaml`` and ``<stage>.yaml``, or those of a folder, by their names without the ending.

    Raises ``Refused`` for a file that cannot be read, none at all, and two of one name.
    """
    listed: list[Path] = []
    for path in paths:
        if path.is_dir():
            listed += sorted(file for file in path.iterdir() if file.suffix in ENDINGS)
        elif path.suffix:
            listed.append(path)
    found: dict[str, str] = {}
    for file in listed:
        if file.stem in found:
            raise Refused(f"{file}: {file.stem} is there twice; keep one file for it")
        try:
            found[file.stem] = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{file}: {error}") from error
    if not found:
        named = ", ".join(map(str, paths))
        raise Refused(f"{named}: expected application.yaml and a file for each stage, found none")
    return found


def filled(texts: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Put values in place of names in braces, such as ``${DeploymentRoleArn}``; ``$$`` is a dollar sign.

    Raises ``Refused`` for a name without a value.
    """
    done = {}
    for name, text in texts.items():
        try:
            done[name] = Template(text).substitute(values)
        except KeyError as error:
            known = ", ".join(sorted(values)) or "none"
            raise Refused(
                f"{name}: there is no value for {error}; known are {known}. Name the stack whose output it is with "
                "--outputs-of, or give it with --value NAME=VALUE"
            ) from error
        except ValueError as error:
            raise Refused(
                f"{name}: a dollar sign that does not begin a name in braces is written $$ ({error})"
            ) from error
    return done


def checked(name: str, texts: Mapping[str, str]) -> Registration:
    """Read all documents as Belay does. Raises ``InvalidRegistration`` with every problem in any of them."""
    problems: list[str] = []
    if APPLICATION_FILE not in texts:
        found = ", ".join(sorted(texts)) or "none"
        raise InvalidRegistration([f"expected {APPLICATION_FILE}.yaml, which names the stages, found {found}"])
    application = parse_application(name, texts[APPLICATION_FILE])
    if isinstance(application, Pointer):
        raise InvalidRegistration(["application: expected the document itself; a large one is stored by the command"])
    surplus = sorted(set(texts) - {APPLICATION_FILE, *application.stages})
    if surplus:
        problems.append(f"{', '.join(surplus)}: not among the application's stages ({', '.join(application.stages)})")
    stages = []
    for stage in application.stages:
        if stage not in texts:
            problems.append(f"stage {name}/{stage}: it is among the stages, but has no document")
            continue
        try:
            read = parse_stage(application, stage, texts[stage])
            if isinstance(read, Stage):
                PolicySettings.from_registration(
                    read.policies, read.trusted_networks, path=f"stage {name}/{stage}: policies"
                )
                stages.append(read)
            else:
                problems.append(f"stage {name}/{stage}: expected the document itself, found a pointer")
        except InvalidRegistration as refused:
            problems += refused.problems
    if problems:
        raise InvalidRegistration(problems)
    return Registration(name, dict(texts), application, tuple(stages))


def differences(registered: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the changed lines of each parameter that differs, as a unified diff."""
    found = {}
    for name, text in wanted.items():
        before = registered.get(name, "")
        changed = [*difflib.unified_diff(before.splitlines(), text.splitlines(), "registered", "new", lineterm="")]
        if changed or name not in registered:
            found[name] = changed
    return found
