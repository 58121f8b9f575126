"""CloudWatch Logs: the end of a build's log."""

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
