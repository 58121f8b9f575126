"""Which objects in the buckets may still be needed, above all for a rollback, whose targets may be old."""

import re
from dataclasses import dataclass, field

from belay.release.origin import Origin
from belay.release.records import ReleaseReference

_OF_AN_ATTEMPT = re.compile(r"attempts/(?P<application>[^/]+)/(?P<attempt>[^/]+)/")
_OF_A_RELEASE = re.compile(r"releases/[^/]+/[^/]+/[^/]+(?=/)")


@dataclass
class Needed:
    """The attempts (application and name) whose documents are needed, and the prefixes of releases whose files are."""

    attempts: set[tuple[str, str]] = field(default_factory=set)
    prefixes: set[str] = field(default_factory=set)

    def add(self, what: ReleaseReference | Origin) -> None:
        """Add an attempt; for a release its files too."""
        self.attempts.add((what.application, what.attempt))
        if isinstance(what, ReleaseReference):
            self.prefixes.add(what.prefix)

    def artifact(self, key: str) -> bool:
        """Whether an artifact is needed; one that belongs to no attempt and no release always is."""
        attempt, release = _OF_AN_ATTEMPT.match(key), _OF_A_RELEASE.match(key)
        if attempt is not None:
            return (attempt["application"], attempt["attempt"]) in self.attempts
        return release is None or release[0] in self.prefixes
