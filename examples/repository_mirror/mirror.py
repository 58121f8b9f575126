"""Copies the branches, tags and notes of one Git repository to another, and reports as a line of JSON.

It reads its environment, which holds no secret. ``SOURCE`` and ``MIRROR`` are the repositories' URLs; ``SECRET`` is the
ARN of a secret with a ``username`` and a ``password`` for the source, or empty. ``OVERWRITE`` and ``DELETE`` are
patterns of refs, separated by commas, such as ``refs/heads/feature/*``: those whose commits the mirror may lose, and
those that it may delete. Without them nothing is ever overwritten or deleted.

It exits with 0 if the mirror was seen to have every ref as the source has it, and with 1 if not.
``mirror.py credential get`` is what Git calls for the secret (https://git-scm.com/docs/gitcredentials).
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

Refs = dict[str, str]
"""The object of each ref, by the ref's full name."""

KINDS = ("refs/heads/", "refs/tags/", "refs/notes/")
"""What is mirrored. Others are a server's own, such as GitHub's refs/pull, and servers refuse them."""
URL = re.compile(r"(https://[\w.-]+(:\d+)?|file://)(/[\w.~-]+)+")
"""No user or password, which would be visible in logs and process lists."""
SIGNED = re.compile(r"(?:git-codecommit|codeconnections)\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
"""Hosts that accept a signature of the role instead of a password, as the AWS CLI makes it."""
BATCH = 1000
"""CodeCommit takes 4,000 refs in a push (https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html)."""
LONGEST = 250_000
"""Bytes of refs in a command line, of which a system takes a megabyte at least."""
SHOWN = 20
"""How many refs of a kind the report names: a line of a log is limited."""
FETCH = ("fetch", "--quiet", "--no-tags", "--update-shallow", "--no-write-fetch-head")


class RefusedError(Exception):
    """Nothing was pushed; the text says why and what to do."""


class GitError(Exception):
    """Git ended with an error; the text is its last output."""


@dataclass(frozen=True)
class Change:
    """A change of one of the mirror's refs. ``old`` or ``new`` is empty for a ref that is created or deleted."""

    ref: str
    old: str
    new: str
    loses: bool = False
    """Whether commits of the mirror may be lost by it."""


@dataclass
class Plan:
    """What is to be pushed, and what is left unchanged.

    ``diverged`` says of refs how they differ; ``kept`` are refs that only the mirror has, each with how many commits.
    """

    changes: list[Change] = field(default_factory=list)
    diverged: dict[str, str] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """The environment's settings."""

    source: str
    mirror: str
    secret: str
    overwrite: tuple[str, ...]
    delete: tuple[str, ...]

    @classmethod
    def read(cls) -> "Settings":
        """Raises ``RefusedError`` for an invalid URL, or one with a password in it."""
        given = {name: os.environ.get(name, "") for name in ("SOURCE", "MIRROR", "SECRET", "OVERWRITE", "DELETE")}
        for name in ("SOURCE", "MIRROR"):
            if not URL.fullmatch(given[name]):
                parts = urlsplit(given[name])
                raise RefusedError(
                    f"{name}: expected a URL such as https://host/path.git, without a user, a password or a query, "
                    f"found one of the scheme {parts.scheme!r} and the host {parts.hostname!r}"
                )
        overwrite, delete = (tuple(filter(None, given[name].split(","))) for name in ("OVERWRITE", "DELETE"))
        return cls(given["SOURCE"], given["MIRROR"], given["SECRET"], overwrite, delete)


class Git:
    """Git in a repository that lives as long as the run, without any user's configuration."""

    def __init__(self, folder: str, settings: Settings) -> None:
        kept = {name: each for name, each in os.environ.items() if name == "GIT_SSL_CAINFO" or name[:4] != "GIT_"}
        self._environment = kept | {
            "GIT_ALLOW_PROTOCOL": "https:file",
            "GIT_ASKPASS": "",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
        }
        # A transfer that stalls for a minute ends.
        self._options = ["-C", folder, "-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60"]
        self._options += credential_options(settings.source, settings.secret) + credential_options(settings.mirror, "")

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command of Git, whatever its result. A ref's name is bytes, which are kept unchanged."""
        return subprocess.run(  # noqa: S603 - no shell
            ["git", *self._options, *arguments],  # noqa: S607 - whichever the image has
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            env=self._environment,
            check=False,
        )

    def __call__(self, *arguments: str, given: str = "") -> list[str]:
        """Run a command of Git, and return the lines that it printed. Raises ``GitError``."""
        ended = self.run(*arguments, given=given)
        if ended.returncode:
            raise failed(arguments[0], ended)
        return lines(ended.stdout)

    def says(self, *arguments: str) -> bool:
        """Run a command of Git that returns yes or no. Raises ``GitError``."""
        ended = self.run(*arguments)
        if ended.returncode not in (0, 1):
            raise failed(arguments[0], ended)
        return ended.returncode == 0


def lines(printed: str) -> list[str]:
    """Return Git's output, line by line. A ref's name may contain what Unicode calls the end of a line."""
    return printed.split("\n")[:-1]


def failed(command: str, ended: subprocess.CompletedProcess[str]) -> GitError:
    """Return the error that Git ended with."""
    said = " ".join(ended.stderr.split()[-60:])
    return GitError(f"git {command} ended with {ended.returncode}: {said}")


def credential_options(url: str, secret: str) -> list[str]:
    """Return the options with which Git requests the password of this URL, and of no other."""
    signed = SIGNED.fullmatch(urlsplit(url).hostname or "")
    if signed:
        command = f"!aws --region {signed[1]} codecommit credential-helper $@"
    elif secret:
        command = f"!{shlex.join([sys.executable, str(Path(__file__).resolve()), 'credential'])}"
    else:
        return []
    return ["-c", f"credential.{url}.helper={command}", "-c", f"credential.{url}.useHttpPath=true"]


def credential() -> None:
    """Answer Git with the secret. It only passes through pipes: no argument, file or environment has it."""
    arn = os.environ["SECRET"]
    asked = ["aws", "--region", arn.split(":")[3], "secretsmanager", "get-secret-value", "--secret-id", arn]
    answer = subprocess.run([*asked, "--output", "json"], stdout=subprocess.PIPE, check=True)  # noqa: S603 - no shell
    secret = json.loads(json.loads(answer.stdout)["SecretString"])
    sys.stdout.write(f"username={secret['username']}\npassword={secret['password']}\n")


def fetch_source(git: Git, url: str) -> Refs:
    """Fetch all that is mirrored. Raises ``RefusedError`` if the source is shallow or empty."""
    git(*FETCH, url, *(f"+{kind}*:{own(kind, 'source')}*" for kind in KINDS))
    refuse_shallow(git, "source", url)
    found = (each.partition(" ") for each in git("for-each-ref", "--format=%(objectname) %(refname)", "refs/source/"))
    refs = {name.replace("/source/", "/", 1): named for named, _, name in found}
    if not any(ref.startswith("refs/heads/") for ref in refs):
        raise RefusedError(f"the source {url} has no branch: expected at least one; nothing was pushed")
    return refs


def fetch_unknown(git: Git, url: str, refs: Refs) -> None:
    """Fetch what only the mirror has, to compare it. Raises ``RefusedError`` if its history is incomplete."""
    looked = git("cat-file", "--batch-check", given="".join(f"{each}\n" for each in refs.values()))
    unknown = {each.split()[0] for each in looked if each.endswith(" missing")}
    wanted = [f"+{ref}:{own(ref, 'mirror')}\n" for ref, named in refs.items() if named in unknown]
    if wanted:
        git(*FETCH, "--stdin", url, given="".join(wanted))
        refuse_shallow(git, "mirror", url)


def own(ref: str, whose: str) -> str:
    """Return the name by which a ref of the source or the mirror is kept here."""
    return ref.replace("refs/", f"refs/{whose}/", 1)


def refuse_shallow(git: Git, which: str, url: str) -> None:
    """Raise ``RefusedError`` if the fetched history is shallow."""
    if git("rev-parse", "--is-shallow-repository") == ["true"]:
        raise RefusedError(
            f"the {which} {url} is a shallow repository, whose history is cut off: expected a whole one. Complete it "
            "with `git fetch --unshallow`, or name the repository that it was cloned from; nothing was pushed"
        )


def remote_refs(git: Git, url: str) -> Refs:
    """Return the refs of a repository that are mirrored, according to ``git ls-remote``."""
    found = (each.partition("\t") for each in git("ls-remote", "--refs", url))
    return {name: named for named, _, name in found if name.startswith(KINDS)}


def default_branch(git: Git, url: str) -> str | None:
    """Return the ref that a clone checks out, if the server reports it."""
    told = (re.fullmatch(r"ref: (\S+)\tHEAD", line) for line in git("ls-remote", "--symref", url, "HEAD"))
    return next((each[1] for each in told if each), None)


def planned(git: Git, source: Refs, mirror: Refs, settings: Settings) -> Plan:
    """Decide for each ref that is not the same in both."""
    plan = Plan()
    for ref, new in source.items():
        old = mirror.get(ref, "")
        if old == new:
            continue
        if not old or follows(git, ref, old, new):
            plan.changes.append(Change(ref, old, new))
        elif matches(ref, settings.overwrite):
            plan.changes.append(Change(ref, old, new, loses=True))
        else:
            plan.diverged[ref] = divergence(git, ref, old, new, settings)
    for ref in mirror.keys() - source.keys():
        if matches(ref, settings.delete):
            plan.changes.append(Change(ref, mirror[ref], "", loses=True))
        else:
            plan.kept[ref] = commits(git, mirror[ref], "--glob=refs/source/*")
    return plan


def matches(ref: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of the patterns matches this ref."""
    return any(fnmatchcase(ref, each) for each in patterns)


def follows(git: Git, ref: str, old: str, new: str) -> bool:
    """Whether a ref is only fast-forwarded. A tag never is."""
    return not ref.startswith("refs/tags/") and git.says("merge-base", "--is-ancestor", old, new)


def commits(git: Git, named: str, *but: str) -> int:
    """Count the commits that something names but those of others; what names no commit counts as one."""
    if git("cat-file", "-t", f"{named}^{{}}") != ["commit"]:
        return 1
    return int(git("rev-list", "--count", named, "--not", *but)[0])


def divergence(git: Git, ref: str, old: str, new: str, settings: Settings) -> str:
    """Say how a ref of the mirror differs from the source's, and what to do."""
    choice = f"let the mirror lose what it has there (OVERWRITE={ref})"
    if ref.startswith("refs/tags/"):
        return f"{ref} is {old} in the mirror and {new} in the source, and a tag does not move: {choice}"
    if not git.says("merge-base", old, new):
        question = f"is {settings.mirror} the mirror of another repository?"
        return f"{ref} has no commit in common with the source's: {question} If not, {choice}"
    count = commits(git, old, new)
    return (
        f"{ref} has {count} commit{'s' * (count > 1)} in the mirror, up to {old}, that it has not in the source: push "
        f"{'them' if count > 1 else 'it'} there, or {choice}"
    )


def push(git: Git, url: str, changes: list[Change]) -> dict[str, str]:
    """Push some changes, and return why refs were rejected. Raises ``GitError``.

    A ref that loses commits is only changed if it still is as observed.
    """
    leases = [f"--force-with-lease={each.ref}:{each.old}" for each in changes if each.loses]
    ended = git.run("push", "--porcelain", *leases, url, *(f"{each.new}:{each.ref}" for each in changes))
    told = (line.split("\t", 2) for line in lines(ended.stdout) if line.startswith("!\t"))
    rejected = {names.rpartition(":")[2]: why for _, names, why in told}
    if ended.returncode and not rejected:
        raise failed("push", ended)
    return rejected


def batches(changes: list[Change], first: str | None) -> Iterator[list[Change]]:
    """Yield the changes as they are pushed: the branch that is to be the default, what is deleted, and the rest.

    An empty repository takes the first branch for its default; ``a`` has to go before there can be ``a/b``.
    """
    for which in (
        [each for each in changes if each.ref == first],
        [each for each in changes if not each.new],
        [each for each in changes if each.new and each.ref != first],
    ):
        yield from portions(which)


def portions(changes: list[Change]) -> Iterator[list[Change]]:
    """Yield the changes in batches that fit into one push, and into one command line."""
    portion: list[Change] = []
    size = 0
    for each in changes:
        arguments = 2 * len(each.ref.encode("utf-8", "surrogateescape")) + len(each.old) + len(each.new)
        if portion and (len(portion) == BATCH or size + arguments > LONGEST):
            yield portion
            portion, size = [], 0
        portion.append(each)
        size += arguments
    if portion:
        yield portion


def mirrored(git: Git, settings: Settings) -> dict[str, Any]:
    """Update the mirror from the source, read it again, and return the report.

    Raises ``RefusedError`` and ``GitError``.
    """
    source, mirror = fetch_source(git, settings.source), remote_refs(git, settings.mirror)
    fetch_unknown(git, settings.mirror, {ref: named for ref, named in mirror.items() if source.get(ref) != named})
    plan, head = planned(git, source, mirror, settings), default_branch(git, settings.source)
    rejected: dict[str, str] = {}
    for batch in batches(plan.changes, None if mirror else head):
        rejected |= push(git, settings.mirror, batch)
    seen = remote_refs(git, settings.mirror)
    return report(plan, rejected, source, seen) | default_branches(head, default_branch(git, settings.mirror))


def report(plan: Plan, rejected: dict[str, str], source: Refs, seen: Refs) -> dict[str, Any]:
    """Return what was found and done, as data. All claims were verified in the mirror afterwards."""
    done = [each for each in plan.changes if seen.get(each.ref, "") == each.new]
    behind = {ref for ref, named in source.items() if seen.get(ref) != named}
    only_there = [f"{ref}: {count}" for ref, count in plan.kept.items() if count]
    problems = [*plan.diverged.values(), *(f"{ref}: {why}" for ref, why in rejected.items())]
    problems += [f"{ref} is not yet as in the source" for ref in behind - {*plan.diverged, *rejected}]
    return {
        "outcome": "INCOMPLETE" if behind or rejected else "MIRRORED",
        "refs": len(source),
        "behind": len(behind),
        "drift": len(plan.diverged) + len(only_there),
        "created": shown(each.ref for each in done if not each.old),
        "advanced": shown(each.ref for each in done if each.old and not each.loses),
        "overwritten": shown(f"{each.ref} was {each.old}" for each in done if each.loses and each.new),
        "deleted": shown(f"{each.ref} was {each.old}" for each in done if not each.new),
        "kept": shown(ref for ref, count in plan.kept.items() if not count),
        "commits_only_in_mirror": shown(only_there),
        "problems": shown(problems),
    }


def shown(found: Iterable[str]) -> list[str]:
    """Return the first of them, and how many more there are."""
    names = sorted(found)
    more = len(names) - SHOWN
    return [*names[:SHOWN], *([f"and {more} more"] if more > 0 else [])]


def default_branches(source: str | None, mirror: str | None) -> dict[str, Any]:
    """Return the default branches if they are known and differ. Git cannot change a server's."""
    differ = source is not None and mirror is not None and source != mirror
    return {"default_branch": {"source": source, "mirror": mirror}} if differ else {}


def main() -> int:
    """Mirror once and print the report. Returns the exit code."""
    try:
        settings = Settings.read()
        with TemporaryDirectory() as folder:
            git = Git(folder, settings)
            git("init", "--quiet", "--bare")
            found = {"source": settings.source, "mirror": settings.mirror, **mirrored(git, settings)}
    except RefusedError as error:
        found = {"outcome": "REFUSED", "problems": [str(error)]}
    except GitError as error:
        found = {"outcome": "FAILED", "problems": [str(error)]}
    sys.stdout.write(f"{json.dumps({'schema': 1, **found})}\n")
    return 0 if found["outcome"] == "MIRRORED" else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["credential", "get"]:
        credential()
    elif sys.argv[1:2] != ["credential"]:  # Git also reports the result of the password.
        sys.exit(main())
