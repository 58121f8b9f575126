"""Assembles the example applications' releases from a base and diffs.

``python -m examples.releases orders 1.1.0`` writes one to ``build/releases`` and prints where it is.

``examples/<application>/releases/<version>/`` is a release as its authors see it; ``<version>.diff`` is its difference
from another release: a unified diff as written by ``diff -ruN`` or ``git diff``, ``--- 1.0.0/path`` above
``+++ 1.1.0/path``, after a few words on what the release is for; ``patch -p1`` also reads it.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

EXAMPLES: Final = Path(__file__).resolve().parent
BUILD: Final = EXAMPLES.parent / "build" / "releases"

_FILE: Final = re.compile(r"--- (?P<before>\S+).*\n\+\+\+ (?P<after>\S+).*\n")
_HUNK: Final = re.compile(r"@@ -\d+(?:,(?P<before>\d+))? \+\d+(?:,(?P<after>\d+))? @@.*\n")
_NOTHING: Final = "/dev/null"


class ExampleError(Exception):
    """An example cannot be assembled; the message says what is missing or does not apply, and where."""


@dataclass(frozen=True)
class Change:
    """What a diff does to one file: each hunk is text to find and what to put in its place. ``path`` is relative."""

    path: str
    created: bool
    hunks: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Diff:
    """A release as a diff from another release, ``base``."""

    base: str
    changes: tuple[Change, ...]


def versions(application: str) -> list[str]:
    """List the versions of an example application's releases, oldest first."""
    found = {_version(path) for path in (EXAMPLES / application / "releases").iterdir()}
    return sorted(found, key=lambda version: [int(number) for number in version.split(".")])


def assemble(application: str, version: str, directory: Path = BUILD) -> Path:
    """Write a release's files to a new ``<directory>/<application>/<version>``, and return that directory.

    Raises ExampleError if there is no such release or its diff does not apply to its base.
    """
    target = directory / application / version
    shutil.rmtree(target, ignore_errors=True)
    for path, text in read_release(application, version).items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(text, encoding="utf-8")
    return target


def read_release(application: str, version: str) -> dict[str, str]:
    """Return a release's files, all text, by their paths in it. Raises ExampleError."""
    releases = EXAMPLES / application / "releases"
    whole, changed = releases / version, releases / f"{version}.diff"
    if whole.is_dir():
        files = (path for path in whole.rglob("*") if path.is_file())
        return {path.relative_to(whole).as_posix(): path.read_text(encoding="utf-8") for path in files}
    if not changed.is_file():
        raise ExampleError(f"{application} {version}: expected {whole}/ or {changed}; neither exists")
    diff = parse_diff(changed.read_text(encoding="utf-8"), version)
    try:
        return apply(diff, read_release(application, diff.base))
    except ExampleError as error:
        raise ExampleError(f"{changed}: {error}") from error


def parse_diff(text: str, version: str) -> Diff:
    """Read the unified diff that makes ``version`` from the release it names. Raises ExampleError."""
    headers = list(_FILE.finditer(text))
    bases = {header["before"].partition("/")[0] for header in headers if header["before"] != _NOTHING}
    if len(bases) != 1:
        raise ExampleError(f"expected changes to the files of one release, found {sorted(bases) or 'none'}")
    ends = [header.start() for header in headers[1:]] + [len(text)]
    changes = tuple(
        _change(header, text[header.end() : end], version) for header, end in zip(headers, ends, strict=True)
    )
    return Diff(bases.pop(), changes)


def apply(diff: Diff, files: Mapping[str, str]) -> dict[str, str]:
    """Return the files after the diff. Raises ExampleError if a hunk is not found exactly once."""
    changed = dict(files)
    for change in diff.changes:
        if change.created == (change.path in changed):
            raise ExampleError(f"{change.path}: {'is there already' if change.created else 'is not there'}")
        text = changed.get(change.path, "")
        for before, after in change.hunks:
            found = list(re.finditer("^" + re.escape(before), text, re.MULTILINE))
            if len(found) != 1:
                raise ExampleError(
                    f"{change.path}: expected these lines once, found them {len(found)} times:\n{before}"
                )
            text = text[: found[0].start()] + after + text[found[0].end() :]
        changed[change.path] = text
    return changed


def main(arguments: list[str] | None = None) -> int:
    """Assemble a release and print where it is."""
    parser = argparse.ArgumentParser(prog="python -m examples.releases", description=main.__doc__)
    parser.add_argument("application")
    parser.add_argument("version")
    options = parser.parse_args(arguments)
    try:
        sys.stdout.write(f"{assemble(options.application, options.version)}\n")
    except ExampleError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _version(path: Path) -> str:
    return path.name.removesuffix(".diff")


def _change(header: re.Match[str], body: str, version: str) -> Change:
    created = header["before"] == _NOTHING
    directory, _, path = header["after"].partition("/")
    if directory != version:
        raise ExampleError(f"expected +++ {version}/..., found +++ {header['after']}")
    return Change(path, created, tuple(_hunks(body)))


def _hunks(body: str) -> Iterator[tuple[str, str]]:
    for hunk in _HUNK.finditer(body):
        wanted = (int(hunk["before"] or 1), int(hunk["after"] or 1))
        before: list[str] = []
        after: list[str] = []
        for line in body[hunk.end() :].splitlines(keepends=True):
            if (len(before), len(after)) == wanted:
                break
            mark, kept = (" ", line) if line == "\n" else (line[0], line[1:])
            if mark in " -":
                before.append(kept)
            if mark in " +":
                after.append(kept)
        if (len(before), len(after)) != wanted:
            raise ExampleError(
                f"expected {wanted} lines before and after, found {(len(before), len(after))}: {hunk[0]}"
            )
        yield "".join(before), "".join(after)


if __name__ == "__main__":
    sys.exit(main())
