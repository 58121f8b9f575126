"""How fast database changes are gated, compared with other tools: processor time of whole processes, medians of three.

    .venv/bin/python benchmarks/database_changes.py [--only gate,incremental,peers] [--output FILE]

The corpus is generated and always the same: 1,000 files for PostgreSQL of five statements and 2 KB, named as Flyway's.
The peers are installed from the package index into a separate environment under build/benchmarks on the first run;
one that is not available is left out and named. The command fails if a goal is missed.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from benchmarks.policy import PolicyLine, Run, run  # noqa: E402 - the line above finds it

BUILD = ROOT / "build" / "benchmarks"
CORPUS = BUILD / "database-changes"
PEERS = BUILD / "sql-peers"
FILES = 1_000
NEW = 10
BYTES = 2_048
RUNS = 3


def corpus() -> None:
    """Write the files, unless they exist."""
    if CORPUS.exists():
        return
    CORPUS.mkdir(parents=True)
    for number in range(1, FILES + NEW + 1):
        (CORPUS / f"V{number}__table_{number}.sql").write_text(text(number))


def text(number: int) -> str:
    """Return one file: a table with its comment, a column for the previous one, an index, rows."""
    table, before = f"table_{number}", f"table_{max(number - 1, 1)}"
    kinds = ("bigint NOT NULL DEFAULT 0", "text", "numeric(12, 2)", "timestamptz NOT NULL DEFAULT now()", "boolean")
    columns = ",\n".join(f"    column_{each} {kinds[each % len(kinds)]}" for each in range(12))
    rows = ",\n".join(f"    ({each}, 'value {each} of {table}')" for each in range(6))
    statements = [
        f"CREATE TABLE {table} (\n    id bigint PRIMARY KEY,\n{columns}\n)",
        f"ALTER TABLE {before} ADD COLUMN more_{number} text",
        f"CREATE INDEX {table}_lookup ON {table} (column_0, column_1)",
        f"INSERT INTO {table} (id, column_1) VALUES\n{rows}",
        f"UPDATE {table} SET column_2 = column_2 * 1.1 WHERE column_0 > 10 AND column_1 IS NOT NULL",
    ]
    body = ";\n".join(statements) + ";\n"
    line = "-- what this change is for, in the words of those who wrote it, so that others understand it later\n"
    return (line * (1 + (BYTES - len(body)) // len(line)))[: BYTES - len(body) - 1] + "\n" + body


def belay(*arguments: str | Path) -> list[str | Path]:
    """Return the command line of ``belay validate`` for PostgreSQL."""
    return [sys.executable, "-m", "cli", "validate", "--engine", "postgresql", *arguments]


def gate() -> Iterator[PolicyLine]:
    """Measure the 1,000 files, with no earlier model."""
    runs = measured(belay(*files(1, FILES)))
    spent, peak = statistics.median(one.seconds for one in runs), max(one.mebibytes for one in runs)
    yield PolicyLine("1,000 files: belay", spent, "s", "under 10", spent < 10)
    yield PolicyLine("1,000 files: belay's memory", peak, "MiB", "under 300", peak < 300)


def incremental() -> Iterator[PolicyLine]:
    """Measure ten new files after the 1,000, whose model was stored by an earlier run."""
    command = belay("--applied", f"V{FILES}", CORPUS)
    run(command)
    spent = statistics.median(one.seconds for one in measured(command))
    yield PolicyLine("ten new files on a known model: belay", spent, "s", "under 1", spent < 1)


def peers() -> Iterator[PolicyLine]:
    """Measure the same 1,000 files with the other tools that are available."""
    install()
    own = statistics.median(one.seconds for one in measured(belay(*files(1, FILES))))
    names = files(1, FILES)
    commands: dict[str, list[str | Path]] = {
        "squawk": [PEERS / "bin" / "squawk", *names],
        "sqlfluff": [PEERS / "bin" / "sqlfluff", "lint", "--dialect", "postgres", "--processes", "2", *names[:100]],
    }
    for name, command in commands.items():
        if shutil.which(command[0]) is None:
            yield PolicyLine(f"{name} cannot be had here", 0, "s")
            continue
        share = (len(command) - [str(each).endswith(".sql") for each in command].index(True)) / FILES
        spent = statistics.median(one.seconds for one in measured(command, 1 if share < 1 else RUNS)) / share
        yield PolicyLine(f"1,000 files: {name}{'' if share == 1 else f' (from {share * FILES:.0f})'}", spent, "s")
        yield PolicyLine(f"  {name} / belay", spent / own, "x")


def files(first: int, last: int) -> list[Path]:
    """Return the paths of some of the corpus, in order."""
    return [CORPUS / f"V{number}__table_{number}.sql" for number in range(first, last + 1)]


def measured(command: Sequence[str | Path], runs: int = RUNS) -> list[Run]:
    """Measure several runs of a command."""
    return [run(command) for _ in range(runs)]


def install() -> None:
    """Install the peers into an environment separate from this checkout's other tools."""
    mark = PEERS / ".installed"
    if mark.exists():
        return
    subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
    pip: list[str | Path] = [PEERS / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for package in ("squawk-cli", "sqlfluff"):
        subprocess.run([*pip, package], check=False)
    mark.touch()


MEASUREMENTS = {"gate": gate, "incremental": incremental, "peers": peers}


def main() -> int:
    """Measure what is requested, print it, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(MEASUREMENTS), help="which measurements, separated by commas")
    parser.add_argument("--output", type=Path, help="a file for the measurements as JSON")
    arguments = parser.parse_args()
    corpus()
    lines = []
    for name in arguments.only.split(","):
        for line in MEASUREMENTS[name]():
            lines.append(line)
            print(line.shown, flush=True)
    if arguments.output:
        arguments.output.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")
    return 1 if any(line.kept is False for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
