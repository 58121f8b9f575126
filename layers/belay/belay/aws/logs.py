"""CloudWatch Logs: the end of a build's log."""

from typing import Any

from belay.aws.faults import translated

_MOST_EVENTS = 300


class LogStreams:
    """Log streams by group and name."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def last_lines(self, group: str, stream: str) -> tuple[str, ...]:
        """Return the last lines of a log stream, oldest first; empty if it does not exist."""
        with translated("Logs.GetLogEvents", ignoring=("ResourceNotFoundException",)):
            answer = self._client.get_log_events(
                logGroupName=group, logStreamName=stream, limit=_MOST_EVENTS, startFromHead=False
            )
            return tuple(line for event in answer["events"] for line in event["message"].splitlines())
        return ()
