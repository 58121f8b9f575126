"""CloudWatch Logs: the end of a build's log, and what Belay logged about a name."""

from collections.abc import Iterator
from datetime import datetime

from belay.aws.clients import Gateway
from belay.aws.faults import translated

_MOST_EVENTS = 300


class LogStreams(Gateway):
    """Log streams by group and name."""

    def last_lines(self, group: str, stream: str) -> tuple[str, ...]:
        """Return the last lines of a log stream, oldest first; empty if it does not exist."""
        with translated("Logs.GetLogEvents", ignoring=("ResourceNotFoundException",)):
            answer = self._client.get_log_events(
                logGroupName=group, logStreamName=stream, limit=_MOST_EVENTS, startFromHead=False
            )
            return tuple(line for event in answer["events"] for line in event["message"].splitlines())
        return ()

    def naming(self, group: str, name: str, since: datetime) -> Iterator[tuple[int, str]]:
        """Yield the entries of a log group that contain a name, each with its time in milliseconds."""
        with translated("Logs.FilterLogEvents"):
            pages = self._client.get_paginator("filter_log_events").paginate(
                logGroupName=group, filterPattern=f'"{name}"', startTime=int(since.timestamp() * 1000)
            )
            yield from ((event["timestamp"], event["message"]) for page in pages for event in page["events"])
