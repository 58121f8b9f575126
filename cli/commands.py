"""The commands by purpose, and the groups that find them. A command's module is imported when it is run."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

Words = tuple[str, ...]
"""What names a command or a group: ``("release", "push")``."""
Commands = dict[Words, tuple[str, str]]
"""Where each command is, ``module`` or ``module:function`` where that is not ``command``, and what it is for."""

SECTIONS: Final[dict[str, Commands]] = {
    "Set up": {
        ("init",): ("cli.init", "start a release and a registration from your own templates or an existing stack"),
        ("doctor",): ("cli.doctor", "look at everything that a release needs, and say what is missing"),
        ("register", "check"): ("cli.register:check", "check the files of an application's registration"),
        ("register", "show"): ("cli.register:show", "show an application's registration"),
        ("register",): ("cli.register", "store an application's registration after showing what it changes"),
        ("spoke", "template"): ("cli.spoke_template", "print what another account or region needs for stages"),
    },
    "Build releases": {
        ("validate",): ("cli.validate", "check templates, releases or saved security groups against the policies"),
        ("policies",): ("cli.policies", "list every policy, as Markdown"),
        ("release", "build"): ("cli.build", "build a release's zip from a directory"),
        ("plan",): ("cli.plan", "show what a release would change, without deploying it"),
        ("release", "push"): ("cli.push", "upload a release, which starts its deployment"),
    },
    "Observe": {
        ("console",): ("cli.console.command", "serve a page of everything, for a browser on this machine"),
        ("status",): ("cli.status", "show what is running, waiting or held"),
        ("list",): ("cli.list", "list applications, what their stages run, and their releases"),
        ("show",): ("cli.show", "show one release: timeline, causes, findings, snapshots, approvals"),
        ("incidents",): ("cli.incidents", "list the incidents that are open, or all"),
        ("incident", "show"): ("cli.incident_show", "show one incident: cause, steps, what is left to do, evidence"),
        ("history",): ("cli.history", "show what a stage ran: every deployment and rollback"),
        ("diff",): ("cli.diff", "show what differs between two releases"),
        ("vault", "list"): ("cli.vault_list", "list the copies of an application's databases in its stages' vaults"),
        ("messages",): ("cli.messages", "show the messages about a release or an incident, as they were sent"),
        ("stacks",): ("cli.stacks", "show which stage each stack belongs to"),
        ("logs",): ("cli.logs", "show what the functions logged about a release"),
    },
    "Decide": {
        ("approve",): ("cli.approve", "approve a release in a stage, or an incident's question"),
        ("reject",): ("cli.decision:reject", "reject a release in a stage, or an incident's question"),
        ("override",): ("cli.decision:override", "let a held release continue outside of its stage's windows"),
    },
    "Act": {
        ("incident", "acknowledge"): ("cli.on_call:acknowledge", "say that you are on an incident"),
        ("incident", "close"): ("cli.on_call:close", "say that what an incident left to a person is done"),
        ("abort",): ("cli.abort", "stop a release and roll back what it changed"),
        ("retry",): ("cli.retry", "deploy a release again that was not deployed or was rolled back"),
        ("rollback",): ("cli.rollback", "roll a stage back to an earlier release"),
        ("vault", "restore"): ("cli.vault_restore", "restore a database from its copy in the stage's vault"),
        ("pause",): ("cli.resume:pause", "hold all releases that are uploaded from now on"),
        ("resume",): ("cli.resume", "end the pause and start held releases"),
        ("unlock",): ("cli.unlock", "release an unused lock of a stage"),
        ("unclaim",): ("cli.unclaim", "give up a stack that its stage no longer registers"),
        ("upgrade", "check"): ("cli.upgrade", "list what has to end before another version of Belay is deployed"),
        ("upgrade", "continue"): ("cli.upgrade:successors", "continue waiting releases with the version deployed now"),
    },
}
COMMANDS: Final[Commands] = {words: entry for section in SECTIONS.values() for words, entry in section.items()}


class CommandGroup(click.Group):
    """``belay``, or the commands that begin with the same ``words``.

    Those may be a command, too: ``belay register`` is run where none of its group is named.
    """

    def __init__(self, words: Words = ()) -> None:
        settings = {"help_option_names": ["--help", "-h"], "max_content_width": 120}
        told = COMMANDS[words][1] if words in COMMANDS else None
        super().__init__(words[-1] if words else "belay", short_help=told, context_settings=settings)
        self.words = words

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the next words that are known."""
        return [*dict.fromkeys(words[len(self.words)] for words in COMMANDS if self._begins(words))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a group, or what ``--help`` and completion tell of a command, for which nothing is imported."""
        words = (*self.words, cmd_name)
        group = CommandGroup(words)
        if group.list_commands(ctx):
            return group
        return click.Command(cmd_name, short_help=COMMANDS[words][1]) if words in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command to run, imported; the error for an unknown one tells what may have been meant."""
        try:
            name, found, rest = super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(f"{error.message}{_did_you_mean(args[0])}", ctx) from error
        if name is None or (isinstance(found, CommandGroup) and found.goes_on(ctx, rest)):
            return name, found, rest
        return name, loaded((*self.words, name)), rest

    def goes_on(self, ctx: click.Context, rest: list[str]) -> bool:
        """Whether the next word names a command of the group, has to, or has yet to be typed."""
        if self.words not in COMMANDS:
            return True
        return rest[0] in self.list_commands(ctx) if rest else ctx.resilient_parsing

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help where no command is named; the exit status is that of invalid arguments."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every command below its purpose."""
        for purpose, commands in SECTIONS.items():
            told = {words: text for words, (_, text) in commands.items() if self._begins(words)}
            if told:
                with formatter.section(purpose):
                    formatter.write_dl([(" ".join(words[len(self.words) :]), text) for words, text in told.items()])

    def _begins(self, words: Words) -> bool:
        return len(words) > len(self.words) and words[: len(self.words)] == self.words


def loaded(words: Words) -> click.Command:
    """Import a command."""
    module, name = place_of(words)
    command: click.Command = getattr(import_module(module), name)
    return command


def place_of(words: Words) -> tuple[str, str]:
    """Return the module of a command and its function's name."""
    module, _, name = COMMANDS[words][0].partition(":")
    return module, name or "command"


def _did_you_mean(word: str) -> str:
    """Return the commands that have a similar word, as the end of an error; Click suggests options itself."""
    # Imported only for an unknown word.
    from difflib import get_close_matches  # noqa: PLC0415

    similar = [f"belay {' '.join(words)}" for words in COMMANDS if get_close_matches(word, words)]
    return f" Did you mean {' or '.join(similar)}?" if similar else ""
