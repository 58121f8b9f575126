"""Tries a release's database changes on a copy of the database before anything is changed; cannot delete one."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from forecast_changes import conclude_forecast, profile_database, restore_copy, try_changes

STEPS: Mapping[str, Handler] = {
    "conclude_forecast": conclude_forecast.handler,
    "profile_database": profile_database.handler,
    "restore_copy": restore_copy.handler,
    "try_changes": try_changes.handler,
}

handler = one_of(STEPS)
