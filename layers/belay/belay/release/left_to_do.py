"""What only a person can do, as data: what, why, and the commands for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LeftToDo:
    """What a person must do: about which stack, database or service (empty where it is about none), what and why.

    ``look`` is the command to look closer, ``then`` the one that does it, each where one is known to be right.
    """

    subject: str
    what: str
    why: str = ""
    look: str | None = None
    then: str | None = None

    def in_words(self) -> str:
        """What is left to do, with the commands, for people."""
        told = ": ".join(filter(None, (self.subject, self.what, self.why)))
        if self.then and not self.look and not self.why:
            return f"{told}: {self.then}"
        commands = [f"{label}: {command}" for label, command in (("Look", self.look), ("Then", self.then)) if command]
        return " ".join([told, *commands])
