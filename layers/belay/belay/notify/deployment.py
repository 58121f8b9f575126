"""What most messages are about: a version of an application that is being deployed."""

import shlex
from dataclasses import dataclass

from belay.notify.message import About


@dataclass(frozen=True)
class Deployment:
    """A version of an application, in a stage where the message is about one, and the execution.

    ``thread`` is the release's or the upload's; without one the message stands in the application's.
    """

    application: str
    version: str
    stage: str | None = None
    execution_arn: str | None = None
    thread: str | None = None

    @property
    def in_words(self) -> str:
        """``orders 1.3.0 in production``."""
        return f"{self.application} {self.version}" + (f" in {self.stage}" if self.stage else "")

    @property
    def about(self) -> About:
        """What a message about it is about."""
        return About(self.application, self.in_words, self.version, self.stage, self.thread)

    @property
    def where(self) -> str:
        """The stage, where it is known."""
        return self.stage or "The stage"

    def look(self) -> list[str]:
        """The commands to look closer."""
        commands = [f"belay show {shlex.quote(f'{self.application}/{self.version}')}"]
        if self.execution_arn:
            commands.append(f"aws stepfunctions describe-execution --execution-arn {shlex.quote(self.execution_arn)}")
        return commands
