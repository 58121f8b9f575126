"""Reads untrusted uploads: opens, copies and checks a zip, without permissions on stacks or databases."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from read_release import check_release, copy_plan, copy_release, open_plan, open_release

STEPS: Mapping[str, Handler] = {
    "check_release": check_release.handler,
    "copy_plan": copy_plan.handler,
    "copy_release": copy_release.handler,
    "open_plan": open_plan.handler,
    "open_release": open_release.handler,
}

handler = one_of(STEPS)
