"""The services of an incident's stage: looking at them, and taking the steps that are about them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from belay.aws.application_autoscaling import ScalableTargets
from belay.aws.clients import client
from belay.aws.clock import now
from belay.aws.ecs import Services
from belay.aws.recovery import Recovery
from belay.release.registration import Service, Stage
from belay.rollback.plan import Action, Step
from belay.rollback.situation import Scaling, ServiceDeployment, ServiceSeen

_CLOCKS_DIFFER = timedelta(seconds=5)
_EVENTS_KEPT = 3
_NEVER = "9999-12-31T00:00:00+00:00"


class RecoveredServices:
    """Looks at the registered services of an incident's stage and performs the steps about them."""

    def __init__(self, recovery: Recovery, services: Services, targets: ScalableTargets) -> None:
        self._recovery = recovery
        self._services = services
        self._targets = targets

    @classmethod
    def of(cls, recovery: Recovery) -> "RecoveredServices":
        """Return those of an incident, in the region that the function runs in."""
        return cls(recovery, Services(client("ecs")), ScalableTargets(client("application-autoscaling")))

    # -- looking -------------------------------------------------------------------------------------------------

    def look(self, stage: Stage | None) -> tuple[ServiceSeen, ...]:
        """Return the stage's services in the registration's order, as they are now."""
        return () if stage is None else tuple(self._seen(service) for service in stage.services)

    def _seen(self, service: Service) -> ServiceSeen:
        description = self._services.describe(service)
        noted = self._recovery.noted(service.name)
        if description is None:
            return ServiceSeen(service.name)
        return ServiceSeen(
            service=service.name,
            arn=description["serviceArn"],
            status=description["status"],
            desired=description["desiredCount"],
            running=description["runningCount"],
            controller=description.get("deploymentController", {}).get("type", "ECS"),
            daemon=description.get("schedulingStrategy") == "DAEMON",
            deployments=tuple(_deployment(each) for each in description["deployments"]),
            events=tuple(each["message"] for each in description.get("events", [])[:_EVENTS_KEPT]),
            scaling=_scaling(self._targets.describe(service)),
            restarted=noted.get("restarted") or self._begun(service, description),
            waited_seconds=self._waited(service),
            stopped_from=noted.get("stopped_from"),
            scaled_by=noted.get("scaled_by"),
        )

    def _begun(self, service: Service, description: Mapping[str, Any]) -> str | None:
        """The deployment that this incident began and whose id it did not live to note.

        UpdateService takes no token, so it is known by its time: no other one replaced every task since the step was
        taken, while the stage was locked.
        """
        taken = self._last_taken(service, Action.RESTART_SERVICE)
        newest = next((each for each in description["deployments"] if each["status"] == "PRIMARY"), None)
        if newest is None or newest["createdAt"] < datetime.fromisoformat(taken) - _CLOCKS_DIFFER:
            return None
        return str(newest["id"])

    def _waited(self, service: Service) -> int:
        taken = self._last_taken(service, Action.RESTART_SERVICE, Action.START_SERVICE)
        return max(int((now() - datetime.fromisoformat(taken)).total_seconds()), 0)

    def _last_taken(self, service: Service, *actions: Action) -> str:
        """When this incident last took one of these steps for a service."""
        times = [
            str(each["at"])
            for each in self._recovery.record["tried"]
            if each["subject"] == service.name and each["action"] in actions
        ]
        return max(times, default=_NEVER)

    # -- acting --------------------------------------------------------------------------------------------------

    def perform(self, step: Step, number: int) -> bool:
        """Take one step unless the service shows that it was taken. Nothing of it has to be come back to."""
        cluster, _, name = step.subject.partition("/")
        service = Service(cluster, name)
        seen = self._seen(service)
        match step.action:
            case Action.RESTART_SERVICE:
                self._restart(service, seen, step, number)
            case Action.STOP_SERVICE:
                self._stop(service, seen, step, number)
            case Action.START_SERVICE:
                self._recovery.take(step, number)
                self._services.set_desired_count(service, int(step.parameters["desiredCount"]))
            case Action.SUSPEND_SCALING:
                self._suspend(service, seen, step, number)
            case Action.RESUME_SCALING:
                self._recovery.take(step, number)
                self._targets.suspend(service, step.parameters["SuspendedState"])
            case _:
                raise ValueError(f"no service is brought back by {step.action}")
        return False

    def _restart(self, service: Service, seen: ServiceSeen, step: Step, number: int) -> None:
        restarted = seen.restarted
        if restarted is None:
            self._recovery.take(step, number)
            restarted = self._services.force_new_deployment(service)
        self._note(service, restarted=restarted)

    def _stop(self, service: Service, seen: ServiceSeen, step: Step, number: int) -> None:
        """Remember the count before it is lost: what is noted first stands."""
        self._recovery.take(step, number)
        if seen.stopped_from is None:
            self._note(service, stopped_from=seen.desired)
        self._services.set_desired_count(service, 0)

    def _suspend(self, service: Service, seen: ServiceSeen, step: Step, number: int) -> None:
        self._recovery.take(step, number)
        if seen.scaled_by is None and seen.scaling is not None:
            self._note(service, scaled_by=dict(seen.scaling.suspended))
        self._targets.suspend(service, step.parameters["SuspendedState"])

    def _note(self, service: Service, **facts: Any) -> None:
        self._recovery.note(service.name, {**self._recovery.noted(service.name), **facts})


def _deployment(described: Mapping[str, Any]) -> ServiceDeployment:
    return ServiceDeployment(
        described["id"], described["status"], described.get("rolloutState"), described.get("rolloutStateReason", "")
    )


def _scaling(described: Mapping[str, Any] | None) -> Scaling | None:
    if described is None:
        return None
    return Scaling(described["MinCapacity"], dict(described.get("SuspendedState", {})))
