"""What a person says about a whole incident, sent to Belay: that they are on it, or that what it left is done."""

from __future__ import annotations

from typing import Any

from belay.approval.asked import SAID, Word
from cli.account import Account
from cli.decision import sent
from cli.output import tell
from cli.problems import Refused
from cli.views.incidents import find_incident


def say(belay: Account, incident: str, word: Word, comment: str) -> dict[str, Any]:
    """Send it and return what was recorded. Raises ``Refused``, ``Unreachable``."""
    record = find_incident(belay.ledger, incident)
    if record is None:
        raise Refused(f"there is no incident {incident}; see `belay incidents`")
    application = record.incident.application
    found = sent(belay, word, {"application": application, "incident": incident, "comment": comment})
    left = belay.ledger.stages.left(application, record.incident.stage)
    mixed = belay.ledger.stages.in_words(application, record.incident.stage) if left else None
    return {
        "incident": incident,
        "application": application,
        "stage": record.incident.stage,
        **found,
        "still_mixed": mixed,
    }


def told(output: str, found: dict[str, Any], word: Word) -> None:
    """Show what was recorded, and what stays as it was."""
    stage = f"{found['application']} {found['stage']}"
    mixed = [
        f"{found['stage']} still runs {found['still_mixed']}",
        f"the next release that is deployed there ends that, or: belay rollback {stage} --plan",
    ]
    also = mixed if word == "close" and found["still_mixed"] else []
    tell(output, found, [f"{SAID[word]}: {found['incident']}, by {found['by']}", *also])
