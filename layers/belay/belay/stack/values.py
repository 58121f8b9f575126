"""The values of a stack that no call returns, or that are stored elsewhere, and which of them no rollback restores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from belay.documents import read, written
from belay.masking import is_reference
from belay.stack.baseline import Baseline


@dataclass(frozen=True)
class KnownValues:
    """What is known of the values that a successful operation gave a stack.

    ``operation`` is its client request token. ``digests`` maps each NoEcho parameter to the HMAC of its value, or to
    its dynamic reference. ``versions`` maps each dynamic reference without a version to the version it had, None if not
    known.
    """

    operation: str
    digests: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "KnownValues":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, "the values of a stack")

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)


@dataclass(frozen=True)
class KeptValue:
    """A value that a stack keeps although the stack itself was rolled back, and what is known of it."""

    what: str
    why: str

    def in_words(self) -> str:
        """``the parameter Pin (NoEcho), whose value the release changed``."""
        return f"{self.what}, {self.why}"


def same_hidden(baseline: Baseline, now: KnownValues | None) -> bool:
    """Whether the NoEcho parameters are known to have their earlier values."""
    return not [*_hidden(baseline, now, references=True)]


def kept_hidden(baseline: Baseline, now: KnownValues | None) -> Iterator[KeptValue]:
    """Yield the NoEcho parameters whose earlier value a change set to the baseline cannot set, because it is
    unknown.
    """
    return _hidden(baseline, now, references=False)


def _hidden(baseline: Baseline, now: KnownValues | None, *, references: bool) -> Iterator[KeptValue]:
    for name in baseline.hidden:
        before, found = baseline.known.get(name), None if now is None else now.digests.get(name)
        if before is not None and not references and is_reference(before):
            continue
        what = f"the parameter {name} (NoEcho)"
        if before is None or found is None:
            yield KeptValue(what, "whose value is not known to be the earlier one")
        elif before != found:
            yield KeptValue(what, "whose value the release changed and which cannot be read back")


def kept_resolved(baseline: Baseline, resolved: Mapping[str, str]) -> Iterator[KeptValue]:
    """Yield the parameters whose SSM parameter has another value now. ``resolved`` is what the stack uses."""
    for name, before in baseline.resolved.items():
        if resolved.get(name) != before:
            yield KeptValue(f"the parameter {name}", "whose SSM parameter has another value than before")


def kept_references(baseline: Baseline, versions: Mapping[str, str | None]) -> Iterator[KeptValue]:
    """Yield the dynamic references that have another value now, or may have. ``versions`` are today's."""
    for reference, before in baseline.versions.items():
        found = versions.get(reference)
        if before is None or found is None:
            yield KeptValue(reference, "whose value is not known to be the earlier one")
        elif before != found:
            yield KeptValue(reference, "whose value was changed since")
