"""Checks every deployed stage against the policies again, and announces new findings."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import now
from belay.control.places import Places
from belay.control.revalidations import Revalidations
from belay.errors import StagesNotValidated
from belay.home import own_home
from belay.observability import observed
from belay.release.place import Power
from belay.release.registration import Stage
from belay.settings import DefaultTopic, read


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Validate every stage, or only those of the ``application`` and ``stage`` in a manual invocation.

    A fault in one stage does not affect the others. Raises ``StagesNotValidated`` at the end, also if AWS did not
    return a registration.
    """
    home, settings = own_home(), read(DefaultTopic)
    registrations, places = home.registrations, Places(home.aws, Power.LOOK, "revalidation")
    sns, topic = home.aws.notifications, settings.notification_topic_arn
    revalidations = Revalidations(home.ledger, home.artifacts, registrations, places, sns=sns, default_topic=topic)
    registered = registrations.read()
    verdicts = revalidations.revalidate_each(wanted(registered.stages, event), now().date())
    asked = event.get("application")
    revalidations.alone.note_each({name: fault for name, fault in registered.faults.items() if asked in (None, name)})
    revalidations.alone.tell(StagesNotValidated)
    return {"verdicts": verdicts}


def wanted(stages: list[Stage], event: Mapping[str, Any]) -> list[Stage]:
    """Return the stages that an invocation is about; for the schedule, all of them."""
    return [
        stage
        for stage in stages
        if event.get("application", stage.application) == stage.application
        and event.get("stage", stage.name) == stage.name
    ]
