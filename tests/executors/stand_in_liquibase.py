#!/usr/bin/env python3
"""A process that replaces Liquibase: its arguments, its output and its table, which is a file here."""

import json
import os
import re
import sys
from pathlib import Path

TABLE = Path(os.environ["LIQUIBASE_COMMAND_URL"].removeprefix("jdbc:file:"))
RULE = "+---------------+-------------------+----------------+------------------+--------------+-----+"
HEAD = "| Deployment ID | Update Date       | Changelog Path | Changeset Author | Changeset ID | Tag |"


def main(command: str, *options: str) -> int:
    given = dict(option.removeprefix("--").split("=", 1) for option in options)
    rows: list[list[str]] = json.loads(TABLE.read_text()) if TABLE.exists() else []
    if os.environ.get("STAND_IN_DIES") == command:
        os.kill(os.getpid(), 9)
    if command == "history":
        history(rows)
    if command == "rollback-count":
        TABLE.write_text(json.dumps(rows[: len(rows) - int(given["count"])]))
    return update(given["changelog-file"], rows) if command == "update" else 0


def history(rows: list[list[str]]) -> None:
    lines = ["Liquibase History for jdbc:file", "", RULE, HEAD, RULE]
    for path, author, name in rows:
        lines += [f"| 5940288137    | 11/29/26, 8:18 AM | {path} | {author} | {name} |     |", RULE]
    sys.stdout.write("\n".join(lines if rows else [lines[0], "", "No changesets deployed", ""]))


def update(changelog: str, rows: list[list[str]]) -> int:
    found = re.findall(r"--changeset (\w+):(\S+)\n(.*?)(?=--changeset|\Z)", Path(changelog).read_text(), re.DOTALL)
    for author, name, statements in found:
        if [changelog, author, name] in rows:
            continue
        if "nothing" in statements.partition("--rollback")[0]:
            sys.stderr.write(
                f"Unexpected error running Liquibase: Migration failed for changeset {changelog}::{name}::{author}:\n"
                "     Reason: liquibase.exception.DatabaseException:"
                ' ERROR: relation "belay_suite_nothing" does not exist'
                f" [Failed SQL: (0) {statements}]\n\nFor more information, please use the --log-level flag\n"
            )
            return 1
        rows.append([changelog, author, name])
        TABLE.write_text(json.dumps(rows))
        if os.environ.get("STAND_IN_DIES") == "between":
            os.kill(os.getpid(), 9)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
