"""The demo's view of another account: the events that its rule forwards to Belay's bus."""

import json
from typing import Any, Final

from local.spokes import EmbeddedSpoke

_QUEUE: Final = "forwarded"


class Forwarded:
    """The events that arrive on the bus, received by the demo's own queue too."""

    def __init__(self, spoke: EmbeddedSpoke, hub: str) -> None:
        self._sqs: Any = spoke.engine.client("sqs")
        self._url = self._sqs.create_queue(QueueName=_QUEUE)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        events, bus = spoke.engine.client("events"), f"{hub}-spokes"
        events.put_rule(Name=_QUEUE, EventBusName=bus, EventPattern=json.dumps({"account": [spoke.account]}))
        events.put_targets(Rule=_QUEUE, EventBusName=bus, Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])
        self._told = False

    def lines(self) -> list[str]:
        """Return a line for each event that has arrived since the last time."""
        found = []
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                event = json.loads(message["Body"])
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                stack, status = event["detail"]["stack-id"].split("/")[1], event["detail"]["status-details"]["status"]
                found.append(f"{event['account']} in {event['region']} forwarded: {stack} is {status}")
        self._told = bool(found)
        return found

    def problem(self, outcome: str) -> str | None:
        """What is wrong with the events of a release with this expected end: success has none, failure has some."""
        if (outcome == "DEPLOYED") is not self._told:
            return None
        return "an event was forwarded though nothing failed" if self._told else "no event was forwarded"
