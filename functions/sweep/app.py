"""Reconciles missed events every five minutes: starts held uploads, finishes what was left, counts expired locks."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from belay.aws.clock import now
from belay.aws.metrics import emit
from belay.control.alone import EachAlone
from belay.control.approvals import Approvals
from belay.control.closing import Closing
from belay.control.decisions import Decisions
from belay.control.failed_stacks import FailedStacks
from belay.control.incidents import Incidents
from belay.control.missed_uploads import MissedUploads
from belay.control.places import Places
from belay.control.registrations import RegistrationsReadOnce
from belay.control.spokes import Spokes
from belay.control.stack_claims import StackClaims
from belay.control.superseding import Superseding
from belay.control.sweep import Sweep
from belay.control.topics import Topic
from belay.control.unfinished import Unfinished
from belay.control.unreadable import Unreadable
from belay.control.upload_ends import UploadEnds
from belay.control.wave_endings import WaveEndings
from belay.home import Home, own_home
from belay.observability import logger, observed
from belay.release.place import Power
from belay.settings import read
from belay.subject.measures import swept

RESERVE_MILLISECONDS = 75_000
"""The time that one more region may take: each of a client's three tries waits for 17 seconds, with pauses in
between.
"""


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    release_bucket: str
    notification_topic_arn: str
    pause_parameter: str
    deploy_release_machine_arn: str
    plan_release_machine_arn: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Reconcile the ledger with what is really running.

    A fault in one part does not affect the others: it is logged and counted, and the next sweep tries again. Only if
    nothing at all could be done are the faults raised, as an ``ExceptionGroup``, so that Lambda retries.

    With ``examine`` in the event nothing is done: it returns what it finds in the accounts and regions of stages
    elsewhere, for ``belay doctor``.
    """
    home, settings = own_home(), read(Settings)
    if event.get("examine") is True:
        return {"spokes": examined(home)}
    sweep = put_together(home, settings, EachAlone(enough_time=partial(enough_time, context)))
    done = sweep.run(now(), lambda: home.aws.parameters.get_parameter(settings.pause_parameter) == "true")
    emit(swept(done["open_incidents"], len(done["locks_held_past_expiry"]), len(sweep.faults)))
    for fault in sweep.faults:
        logger().error("the sweep failed on one item or part", exc_info=fault)
    if sweep.blind:
        raise ExceptionGroup("the sweep could not read the ledger", sweep.faults)
    return done | {"faults": [f"{type(fault).__name__}: {fault}" for fault in sweep.faults]}


def examined(home: Home) -> list[dict[str, Any]]:
    """Return what is found in the places of stages elsewhere."""
    registered = RegistrationsReadOnce(home.aws.parameters, home.artifacts).all
    return [asdict(each) for each in Spokes(Places(home.aws, Power.LOOK, "doctor")).seen(registered.stages)]


def enough_time(context: Any) -> bool:
    """Return whether there is time for a region: one that does not respond takes its time."""
    return context is None or context.get_remaining_time_in_millis() >= RESERVE_MILLISECONDS


def put_together(home: Home, settings: Settings, alone: EachAlone) -> Sweep:
    """Return the parts of a sweep with their gateways."""
    aws, ledger, artifacts = home.aws, home.ledger, home.artifacts
    deploy_release = settings.deploy_release_machine_arn
    told = aws.notifications, settings.notification_topic_arn
    incidents = Incidents(ledger, artifacts, aws.executions, settings.rollback_stage_machine_arn)
    places = Places(aws, Power.LOOK, "sweep")
    closing = Closing(ledger, artifacts, places, *told)
    waves = WaveEndings(ledger, artifacts, incidents)
    registrations = RegistrationsReadOnce(aws.parameters, artifacts)
    return Sweep(
        ledger,
        aws.executions,
        registrations,
        Unreadable(ledger, Topic(*told, ledger)),
        Unfinished(ledger, UploadEnds(ledger, closing.endings, registrations), incidents, artifacts, closing, waves),
        FailedStacks(ledger, incidents, registrations, places),
        closing.unhealthy,
        Superseding(ledger, artifacts, aws.executions),
        StackClaims(ledger, artifacts, aws.region),
        places,
        Approvals(ledger, artifacts, closing.endings),
        Decisions(ledger, aws.executions),
        MissedUploads(ledger, aws.release_bucket(settings.release_bucket), aws.executions, deploy_release),
        deploy_release,
        settings.plan_release_machine_arn,
        alone,
    )
