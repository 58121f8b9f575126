"""Work that is left for a person, as data: what, why, the choices, and the commands."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """One way to end what is left: what to do, what it loses, and the command that does it where one call does."""

    what: str
    loses: str
    command: str | None = None

    def in_words(self) -> str:
        """The choice as one line."""
        return f"{self.what}; {self.loses}" + (f": {self.command}" if self.command else "")


@dataclass(frozen=True)
class LeftToDo:
    """What a person must do, to which stack, database or service (empty if none), and why.

    ``look`` is the command to inspect it, ``then`` the one that does it, each only if it is known to be right.
    ``choices`` are the ways to end it where there are several.
    """

    subject: str
    what: str
    why: str = ""
    look: str | None = None
    then: str | None = None
    choices: tuple[Choice, ...] = ()

    def in_words(self) -> str:
        """What is left to do, with the commands, as text."""
        told = ": ".join(filter(None, (self.subject, self.what, self.why)))
        if self.then and not self.look and not self.why:
            return f"{told}: {self.then}"
        commands = [f"{label}: {command}" for label, command in (("Look", self.look), ("Then", self.then)) if command]
        return " ".join([told, *commands])

    def lines(self) -> list[str]:
        """What is left to do, then the choices, each on an indented line that begins with its number."""
        return [self.in_words(), *(f"  {number}. {each.in_words()}" for number, each in enumerate(self.choices, 1))]
