"""Semantic versions, and which of two is older."""

import re
from dataclasses import dataclass, field
from typing import Final

from belay.documents import AsText

_LONGEST: Final = 100
_IDENTIFIER: Final = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION: Final = re.compile(
    r"(?P<major>0|[1-9][0-9]*)\.(?P<minor>0|[1-9][0-9]*)\.(?P<patch>0|[1-9][0-9]*)"
    rf"(?:-(?P<prerelease>{_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
    r"(?:\+(?P<build>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)


@dataclass(frozen=True)
class Version(AsText):
    """A version according to Semantic Versioning 2.0.0 (https://semver.org).

    Ordering follows precedence (item 11), which ignores build metadata; ``==`` does not, so ``1.0.0+a`` and ``1.0.0+b``
    are two versions of the same precedence.
    """

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()
    build: tuple[str, ...] = field(default=())

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read a version from its text. Raises ValueError saying what was expected."""
        found = _VERSION.fullmatch(text) if len(text) <= _LONGEST else None
        if found is None:
            raise ValueError(
                f"expected a semantic version of at most {_LONGEST} characters, such as 1.4.0 or 2.0.0-rc.1"
            )
        return cls(
            int(found["major"]),
            int(found["minor"]),
            int(found["patch"]),
            tuple(found["prerelease"].split(".")) if found["prerelease"] else (),
            tuple(found["build"].split(".")) if found["build"] else (),
        )

    @property
    def precedence(self) -> tuple[object, ...]:
        """A key that sorts versions from the oldest to the newest."""
        # A numeric identifier is lower than an alphanumeric one, and any pre-release lower than the release itself.
        identifiers = tuple((0, int(each), "") if each.isdigit() else (1, 0, each) for each in self.prerelease)
        return (self.major, self.minor, self.patch, not self.prerelease, identifiers)

    def __lt__(self, other: "Version") -> bool:
        return self.precedence < other.precedence

    def __le__(self, other: "Version") -> bool:
        return self.precedence <= other.precedence

    def __gt__(self, other: "Version") -> bool:
        return self.precedence > other.precedence

    def __ge__(self, other: "Version") -> bool:
        return self.precedence >= other.precedence

    def __str__(self) -> str:
        core = f"{self.major}.{self.minor}.{self.patch}"
        prerelease = "-" + ".".join(self.prerelease) if self.prerelease else ""
        build = "+" + ".".join(self.build) if self.build else ""
        return core + prerelease + build
