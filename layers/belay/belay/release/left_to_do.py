"""Work that is left for a person, as data: what, why, and the commands."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LeftToDo:
    """What a person must do, to which stack, database or service (empty if none), and why.

    ``look`` is the command to inspect it, ``then`` the one that does it, each only if it is known to be right.
    """

    subject: str
    what: str
    why: str = ""
    look: str | None = None
    then: str | None = None

    def in_words(self) -> str:
        """What is left to do, with the commands, as text."""
        told = ": ".join(filter(None, (self.subject, self.what, self.why)))
        if self.then and not self.look and not self.why:
            return f"{told}: {self.then}"
        commands = [f"{label}: {command}" for label, command in (("Look", self.look), ("Then", self.then)) if command]
        return " ".join([told, *commands])
