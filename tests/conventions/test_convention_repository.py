"""What every tracked file has in common."""

import re
from functools import cache

from project import ROOT, tracked_files

HERE = "tests/conventions/test_convention_repository.py"
BINARY = {".zip", ".png", ".webp", ".gif", ".ico", ".gz"}

PATHS_OF_A_MACHINE = re.compile(r"(?<![\w.])/(?:home/\w+/|Users/\w+/|root/|work/|tmp/\w)")
REGISTRIES = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|index-url|extra-index", re.IGNORECASE)
TWICE = re.compile(r"\b(?!fails|that|had)([a-z]{3,}) \1\b")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


@cache
def texts() -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
        for path in tracked_files()
        if path.suffix not in BINARY and str(path.relative_to(ROOT)) != HERE
    ]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_place_on_somebody_s_machine() -> None:
    assert lines_with(PATHS_OF_A_MACHINE) == []


def test_no_file_names_a_package_registry() -> None:
    assert [line for line in lines_with(REGISTRIES) if "--no-emit-index-url" not in line] == []


def test_nothing_is_left_for_later() -> None:
    assert lines_with(UNFINISHED) == []


def test_every_file_ends_its_last_line() -> None:
    assert [name for name, text in texts() if text and not text.endswith("\n")] == []


def test_no_word_stands_twice_in_a_row() -> None:
    prose = (".md", ".py", ".yaml")
    found = [line for line in lines_with(TWICE) if line.partition(":")[0].endswith(prose)]
    assert [line for line in found if not line.startswith("tests/")] == []


def test_make_check_lints_every_template() -> None:
    """The other versions of the examples are linted where they are assembled, by test_examples_releases.py."""
    written = re.sub(r"\\\n\s*", "", (ROOT / "Makefile").read_text())
    (patterns,) = re.findall(r"cfn-lint .*-- (.*)", written)
    templates = [name for name, text in texts() if name.endswith(".yaml") and "AWSTemplateFormatVersion:" in text]

    linted = {str(path.relative_to(ROOT)) for pattern in patterns.split() for path in ROOT.glob(pattern)}
    assert sorted({name for name in templates if not name.startswith("tests/")} - linted) == []
