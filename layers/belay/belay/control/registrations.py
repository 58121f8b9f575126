"""The operators' registrations: Parameter Store documents, and the S3 objects they may point to."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from belay.aws.clock import now
from belay.aws.s3 import Buckets
from belay.aws.ssm import APPLICATIONS, ParameterStore
from belay.errors import InvalidActionConfiguration, InvalidRegistration, InvalidRelease
from belay.pipeline.actions import Registered
from belay.policy.settings import PolicySettings
from belay.release.registration import Application, Pointer, Stage, parse_application, parse_stage

RECENT: Final = timedelta(minutes=1)
"""How long what was read may answer an event; docs/pipelines.md says so too."""

Look = Callable[[str], str | None]
"""Gives a parameter's value by its full name, None where it does not exist."""


class Registrations:
    """Reads registrations as text, following a pointer to a versioned S3 object where the parameter holds one."""

    def __init__(self, parameters: ParameterStore, buckets: Buckets) -> None:
        self._parameters = parameters
        self._buckets = buckets

    def texts(self, application: str) -> tuple[str, dict[str, str]]:
        """Return an application's document and that of each of its stages, by stage in order.

        Raises ``InvalidRelease`` where the application is not registered, ``InvalidRegistration`` where a stage it
        names is not.
        """
        return self._texts(application, self._parameters.get_parameter)

    def stages(self) -> list[Stage]:
        """Return every stage of every application whose registration can be read; the rest is told on upload.

        Costs a call for each ten parameters, and one for each pointer.
        """
        values = self._parameters.get_parameters_by_path(APPLICATIONS)
        names = {name.removeprefix(APPLICATIONS) for name in values if "/" not in name.removeprefix(APPLICATIONS)}
        found: list[Stage] = []
        for name in sorted(names):
            try:
                text, stages = self._texts(name, values.get)
            except (InvalidRegistration, InvalidRelease):
                continue
            application = parse_application(name, text)
            if isinstance(application, Application):
                parsed = [parse_stage(application, stage, value) for stage, value in stages.items()]
                found += [stage for stage in parsed if isinstance(stage, Stage)]
        return found

    def topic_of(self, application: str) -> str | None:
        """Return the topic an application has of its own; None also where its registration cannot be read."""
        try:
            parsed = parse_application(application, self.texts(application)[0])
        except (InvalidRegistration, InvalidRelease):
            return None
        return parsed.topic if isinstance(parsed, Application) else None

    def policy_settings(self, registered: Registered | None) -> PolicySettings:
        """Return the policies' settings of a stage that a pipeline's action names; the defaults where it names none.

        Raises ``InvalidActionConfiguration`` where there is no such stage, ``InvalidRegistration`` where it cannot be
        read.
        """
        if registered is None:
            return PolicySettings()
        stage = self.stage(registered)
        return PolicySettings.from_registration(stage.policies, stage.trusted_networks)

    def regions(self, registered: Registered | None) -> tuple[str, ...]:
        """Return the regions beside the function's own of a stage that a pipeline's action names; raises as above."""
        return self.stage(registered).regions if registered else ()

    def stage(self, registered: Registered) -> Stage:
        """Return the stage that a pipeline's action names.

        Raises ``InvalidActionConfiguration`` where there is no such stage, ``InvalidRegistration`` where it cannot be
        read.
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
        name = f"{APPLICATIONS}{application}"
        text = look(name)
        if text is None:
            raise InvalidRelease(
                [f"the application {application!r} is not registered: an operator writes the parameter {name} first"]
            )
        text, registered = self._resolved(name, text, lambda value: parse_application(application, value))
        stages = {}
        missing = []
        for stage in registered.stages:
            parameter = f"{name}/{stage}"
            value = look(parameter)
            if value is None:
                missing.append(f"{name} names the stage {stage!r}, but the parameter {parameter} does not exist")
            else:
                stages[stage], _ = self._resolved(parameter, value, self._stage_parser(registered, stage))
        if missing:
            raise InvalidRegistration(missing)
        return text, stages

    @staticmethod
    def _stage_parser(application: Application, stage: str) -> Callable[[str], Stage | Pointer]:
        return lambda value: parse_stage(application, stage, value)

    def _resolved(self, name: str, text: str, parse: Callable[[str], Any]) -> tuple[str, Any]:
        parsed = parse(text)
        if not isinstance(parsed, Pointer):
            return text, parsed
        body = self._buckets.get_version(parsed.bucket, parsed.key, parsed.version_id)
        where = f"s3://{parsed.bucket}/{parsed.key} (version {parsed.version_id})"
        if body is None:
            raise InvalidRegistration([f"{name} points to {where}, which does not exist"])
        found = hashlib.sha256(body).hexdigest()
        if found != parsed.sha256:
            raise InvalidRegistration([f"{name} says {where} has SHA-256 {parsed.sha256}, found {found}"])
        text = body.decode("utf-8", errors="replace")
        parsed = parse(text)
        if isinstance(parsed, Pointer):
            raise InvalidRegistration([f"{name} points to {where}, which points on: a pointer must end at a document"])
        return text, parsed


class RecentStages:
    """Every registered stage as it was read at most ``RECENT`` ago: for what comes by the dozen, such as events.

    Parameter Store answers 40 calls a second by default, shared by the whole account
    (https://docs.aws.amazon.com/general/latest/gr/ssm.html).
    """

    def __init__(self, registrations: Registrations, clock: Callable[[], datetime] = now) -> None:
        self._registrations = registrations
        self._clock = clock
        self._read: tuple[datetime, list[Stage]] | None = None

    def stages(self) -> list[Stage]:
        """Return them, read anew where that is due; what that raises leaves nothing behind."""
        time = self._clock()
        if self._read is None or not timedelta(0) <= time - self._read[0] < RECENT:
            self._read = time, self._registrations.stages()
        return self._read[1]
