"""The operators' registrations: Parameter Store documents, and the S3 objects they may point to."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, TypeVar

from belay.aws.clock import now
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import APPLICATIONS, ParameterStore
from belay.errors import InvalidActionConfiguration, InvalidRegistration, InvalidRelease
from belay.pipeline.actions import Registered
from belay.policy.settings import PolicySettings
from belay.release.registration import Application, Pointer, Stage, parse_application, parse_stage
from belay.release.waves import Waves
from belay.stack.stack_id import name_of_stack

RECENT: Final = timedelta(minutes=1)
"""How long cached registrations may be used; docs/pipelines.md says so too."""

DOCUMENTS: Final = "registrations/"
"""Where the artifact bucket has documents too large for a parameter: Belay's roles can read them nowhere else."""

Parsed = TypeVar("Parsed")

Look = Callable[[str], str | None]
"""Returns a parameter's value by its full name, None if it does not exist."""


@dataclass(frozen=True)
class ReadRegistrations:
    """What is registered: each stage, and each application's own topic and waves of stages.

    ``unreadable`` has the problem with each such parameter. ``faults`` has why an application could not be read, such
    as a denied read of what it points to: nothing is known about it.
    """

    stages: list[Stage] = field(default_factory=list)
    topics: dict[str, str | None] = field(default_factory=dict)
    waves: dict[str, Waves] = field(default_factory=dict)
    unreadable: dict[str, list[str]] = field(default_factory=dict)
    faults: dict[str, Exception] = field(default_factory=dict)

    @contextmanager
    def noting(self, *path: str) -> Iterator[None]:
        """Record what prevents the parameter of an application or a stage from being read."""
        try:
            yield
        except InvalidRegistration as refused:
            self.unreadable[APPLICATIONS + "/".join(path)] = refused.problems
        except Exception as fault:  # one that is unreadable must not block the others
            self.faults[path[0]] = fault

    def is_in_order(self, parameter: str) -> bool:
        """Whether nothing is wrong with a parameter, or it was deleted; False if that is unknown."""
        application = parameter.removeprefix(APPLICATIONS).split("/")[0]
        wrong = {parameter, APPLICATIONS + application} & self.unreadable.keys()
        return not wrong and application not in self.faults


class Registrations:
    """Reads registrations as text, following a pointer to a versioned S3 object if the parameter holds one."""

    def __init__(self, parameters: ParameterStore, artifacts: ArtifactBucket) -> None:
        self._parameters = parameters
        self._artifacts = artifacts

    def texts(self, application: str) -> tuple[str, dict[str, str]]:
        """Return an application's document and that of each of its stages, by stage in order.

        Raises ``InvalidRelease`` if the application is not registered, ``InvalidRegistration`` if a stage it names is
        not.
        """
        return self._texts(application, self._parameters.get_parameter)

    def read(self) -> "ReadRegistrations":
        """Read every application and stage; a fault in one does not affect the others.

        Costs one call for every ten parameters, and one for each pointer.
        """
        values = self._parameters.get_parameters_by_path(APPLICATIONS)
        names = {name.removeprefix(APPLICATIONS) for name in values if "/" not in name.removeprefix(APPLICATIONS)}
        read = ReadRegistrations()
        for name in sorted(names):
            with read.noting(name):
                _, application = self._application(name, values.get)
                read.topics[name] = application.topic
                read.waves[name] = application.waves
                for stage in application.stages:
                    with read.noting(name, stage):
                        read.stages.append(self._stage(application, stage, values.get)[1])
        return read

    def of_stack(self, stack_id: str, *, home: bool) -> tuple[Stage, str] | None:
        """Return the lasting stage with a stack, and its name there; None if it is not registered.

        ``home`` says whether it is in Belay's own account and region: elsewhere a stack may have the same name. Raises
        the fault that prevented an application from being read, if the stack may belong to it.
        """
        read = self.read()
        name = name_of_stack(stack_id)
        for stage in read.stages:
            lies_here = home if stage.place is None else stage.place.holds(stack_id)
            for stack, registered in stage.stacks.items() if lies_here and not stage.ephemeral else ():
                if registered.name == name:
                    return stage, stack
        for fault in read.faults.values():
            raise fault
        return None

    def topic_of(self, application: str) -> str | None:
        """Return an application's own topic; None also if its registration cannot be read."""
        try:
            return self._application(application, self._parameters.get_parameter)[1].topic
        except (InvalidRegistration, InvalidRelease):
            return None

    def policy_settings(self, registered: Registered | None) -> PolicySettings:
        """Return the policy settings of a stage that a pipeline's action names; the defaults if it names none.

        Raises ``InvalidActionConfiguration`` if there is no such stage, ``InvalidRegistration`` if it cannot be read.
        """
        if registered is None:
            return PolicySettings()
        stage = self.stage(registered)
        return PolicySettings.from_registration(stage.policies, stage.trusted_networks)

    def regions(self, registered: Registered | None) -> tuple[str, ...]:
        """Return the further regions of a stage that a pipeline's action names; raises as above."""
        return () if registered is None else self.stage_here(registered).regions

    def stage_here(self, registered: Registered) -> Stage:
        """Return the stage that an action names, for one that works only in Belay's own account and region.

        Raises as ``stage`` does, and ``InvalidActionConfiguration`` for a stage elsewhere.
        """
        stage = self.stage(registered)
        if not stage.at_home:
            raise InvalidActionConfiguration(
                f"{stage.application}/{stage.name} is registered in {stage.place}, and this action works in Belay's "
                "own account and region, for stages that register neither: leave it out of this pipeline. "
                "docs/accounts.md says what Belay does without it"
            )
        return stage

    def stage(self, registered: Registered) -> Stage:
        """Return the stage that a pipeline's action names.

        Raises ``InvalidActionConfiguration`` if there is no such stage, ``InvalidRegistration`` if it cannot be read.
        """
        try:
            text, stages = self.texts(registered.application)
        except InvalidRelease as error:
            raise InvalidActionConfiguration(str(error)) from error
        application = parse_application(registered.application, text)
        if registered.stage in stages and isinstance(application, Application):
            stage = parse_stage(application, registered.stage, stages[registered.stage])
            if isinstance(stage, Stage):
                return stage
        raise InvalidActionConfiguration(f"{registered.application} has no stage {registered.stage!r}")

    def _texts(self, application: str, look: Look) -> tuple[str, dict[str, str]]:
        text, registered = self._application(application, look)
        stages = {}
        problems = []
        for stage in registered.stages:
            try:
                stages[stage], _ = self._stage(registered, stage, look)
            except InvalidRegistration as refused:
                problems += refused.problems
        if problems:
            raise InvalidRegistration(problems)
        return text, stages

    def _application(self, application: str, look: Look) -> tuple[str, Application]:
        name = f"{APPLICATIONS}{application}"
        text = look(name)
        if text is None:
            raise InvalidRelease(
                [f"the application {application!r} is not registered: an operator has to create {name} first"]
            )
        return self._resolved(name, text, lambda value: parse_application(application, value))

    def _stage(self, application: Application, stage: str, look: Look) -> tuple[str, Stage]:
        name = f"{APPLICATIONS}{application.name}"
        text = look(f"{name}/{stage}")
        if text is None:
            raise InvalidRegistration(
                [f"{name} names the stage {stage!r}, but the parameter {name}/{stage} does not exist"]
            )
        return self._resolved(f"{name}/{stage}", text, lambda value: parse_stage(application, stage, value))

    def _resolved(self, name: str, text: str, parse: Callable[[str], Parsed | Pointer]) -> tuple[str, Parsed]:
        parsed = parse(text)
        if not isinstance(parsed, Pointer):
            return text, parsed
        where = f"s3://{parsed.bucket}/{parsed.key} (version {parsed.version_id})"
        if parsed.bucket != self._artifacts.name or not parsed.key.startswith(DOCUMENTS):
            allowed = f"s3://{self._artifacts.name}/{DOCUMENTS}"
            raise InvalidRegistration([f"{name} points to {where}: expected an object under {allowed}; move it there"])
        body = self._artifacts.get_version(parsed.key, parsed.version_id)
        if body is None:
            raise InvalidRegistration([f"{name} refers to {where}, which does not exist"])
        found = hashlib.sha256(body).hexdigest()
        if found != parsed.sha256:
            raise InvalidRegistration([f"{name} says {where} has SHA-256 {parsed.sha256}, found {found}"])
        text = body.decode("utf-8", errors="replace")
        parsed = parse(text)
        if isinstance(parsed, Pointer):
            raise InvalidRegistration(
                [f"{name} points to {where}, which is a pointer too: a pointer must refer to a document"]
            )
        return text, parsed


class RegistrationsReadOnce(Registrations):
    """Registrations read once and cached for one sweep."""

    @cached_property
    def all(self) -> ReadRegistrations:
        """Everything that is registered."""
        return super().read()

    def read(self) -> ReadRegistrations:
        """Return it as first read."""
        return self.all

    def topic_of(self, application: str) -> str | None:
        """Return an application's own topic; None also if its registration cannot be read.

        Raises the fault that prevented that, such as ``AwsFault``.
        """
        if application not in self.all.topics and application in self.all.faults:
            raise self.all.faults[application]
        return self.all.topics.get(application)


class RecentStages:
    """Every registered stage, cached for ``RECENT``: for frequent callers, such as event handlers.

    Parameter Store allows 40 calls a second by default, shared by the whole account
    (https://docs.aws.amazon.com/general/latest/gr/ssm.html).
    """

    def __init__(self, registrations: Registrations, clock: Callable[[], datetime] = now) -> None:
        self._registrations = registrations
        self._clock = clock
        self._read: tuple[datetime, list[Stage]] | None = None

    def stages(self) -> list[Stage]:
        """Return those that can be read, refreshed when due; a read with faults is not cached."""
        time = self._clock()
        if self._read is not None and timedelta(0) <= time - self._read[0] < RECENT:
            return self._read[1]
        read = self._registrations.read()
        self._read = None if read.faults else (time, read.stages)
        return read.stages
