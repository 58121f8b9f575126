"""Leads a rollback: plans it, asks people and closes it, without permission to change what is recovered."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from lead_rollback import ask_question, close_incident, plan_rollback

STEPS: Mapping[str, Handler] = {
    "ask_question": ask_question.handler,
    "close_incident": close_incident.handler,
    "plan_rollback": plan_rollback.handler,
}

handler = one_of(STEPS)
