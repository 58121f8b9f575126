"""Incidents that ended with stacks left to a person: watched until those are stable again, and then closed."""

from collections.abc import Sequence
from typing import Any

from belay.aws.cloudformation import Stacks
from belay.control.topics import Topic
from belay.ledger.ledger import Ledger
from belay.notify.incidents import healthy_again
from belay.rollback.incident import Incident
from belay.stack.status import StackStatus


class Unhealthy:
    """Remembers unstable stacks in the ledger; ``default_topic`` is for applications without their own."""

    def __init__(self, ledger: Ledger, stacks: Stacks, sns: Any, default_topic: str) -> None:
        self._ledger = ledger
        self._stacks = stacks
        self._sns = sns
        self._default_topic = default_topic

    def watch(self, incident: Incident, stack_ids: Sequence[str]) -> None:
        """Remember those of an incident's stacks that are unstable as it ends; where none is, there is nothing to."""
        unstable = [stack_id for stack_id in stack_ids if not self._stands(stack_id)[0]]
        if unstable:
            self._ledger.incidents.watch(incident.name, incident.to_dict(), unstable)

    def close_healthy(self) -> list[str]:
        """Tell of every incident whose stacks are all stable again, once; return their names."""
        closed = []
        for item in self._ledger.incidents.watched():
            incident = Incident.from_dict(item["details"])
            stand = [self._stands(stack_id) for stack_id in item["stacks"]]
            if all(stable for stable, _ in stand):
                self._tell(incident, [words for _, words in stand])
                self._ledger.incidents.watch_no_more(incident.name)
                closed.append(incident.name)
        return closed

    def _tell(self, incident: Incident, stacks: Sequence[str]) -> None:
        version = None if incident.foreign else incident.release.version
        message = healthy_again(
            incident.release.application, incident.stage, thread=incident.thread, stacks=stacks, version=version
        )
        Topic(self._sns, incident.topic or self._default_topic, self._ledger).publish(message)

    def _stands(self, stack_id: str) -> tuple[bool, str]:
        """Return whether a stack takes the next update, or is gone, and how it stands in words."""
        description = self._stacks.describe_stack(stack_id)
        name = stack_id.split("/")[1]
        if description is None or description["StackStatus"] == StackStatus.DELETE_COMPLETE:
            return True, f"{name} is deleted"
        status = StackStatus(description["StackStatus"])
        return status.updatable, f"{name} is {status}"
