"""The example releases are complete and valid, and their diffs are as documented."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.build import build_release
from examples.releases import ExampleError, apply, assemble, parse_diff, read_release, versions

VERSIONS = versions("orders")
RELEASES = [(application, version) for application in ("orders", "catalogue") for version in versions(application)]

DIFF = """\
Renames the city, adds a river.

--- 1.0.0/city.txt
+++ 1.1.0/city.txt
@@ -1,2 +1,2 @@
-Christiania
+Oslo
 is a city
--- /dev/null
+++ 1.1.0/river.txt
@@ -0,0 +1,2 @@
+-- Akerselva
+
"""


def test_versions_are_listed_oldest_first() -> None:
    assert [
        *("1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.4.1", "1.4.2", "1.4.3", "1.5.0", "1.6.0", "1.6.1", "1.7.0"),
        "1.8.0",
    ] == VERSIONS


@pytest.mark.parametrize(("application", "version"), RELEASES)
def test_every_release_can_be_built(application: str, version: str, tmp_path: Path) -> None:
    built = build_release(assemble(application, version, tmp_path), tmp_path / "release.zip")

    assert (built.application, built.version, built.left_out) == (application, version, ())


@pytest.mark.parametrize("version", VERSIONS)
def test_every_release_lists_its_images(version: str) -> None:
    files = read_release("orders", version)
    digests = re.findall(r"ImageDigest: (\S+)", files["release.yaml"])

    assert digests
    assert all(digest in files["images.yaml"] for digest in digests)


def test_a_release_needs_its_template_by_url() -> None:
    most_in_a_request = 51_200

    assert len(read_release("orders", "1.0.0")["templates/service.yaml"].encode()) > most_in_a_request


def test_templates_are_legal(tmp_path: Path) -> None:
    directories = [assemble(application, version, tmp_path) for application, version in RELEASES]
    # Most releases change one of their templates.
    templates = {path.read_bytes(): path for each in directories for path in each.glob("templates/*.yaml")}

    linted = subprocess.run(
        [Path(sys.prefix, "bin", "cfn-lint"), *templates.values()],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (linted.stdout, linted.returncode) == ("", 0)


def test_a_release_is_assembled_afresh(tmp_path: Path) -> None:
    stale = assemble("orders", "1.1.0", tmp_path) / "stale.txt"
    stale.write_text("of an earlier run")

    assembled = assemble("orders", "1.1.0", tmp_path)

    assert not stale.exists()
    found = {
        path.relative_to(assembled).as_posix(): path.read_text() for path in assembled.rglob("*") if path.is_file()
    }
    assert found == read_release("orders", "1.1.0")


def test_a_missing_release_is_named() -> None:
    with pytest.raises(ExampleError, match=r"orders 9\.9\.9: expected .*releases/9\.9\.9"):
        read_release("orders", "9.9.9")


def test_a_diff_changes_and_creates_files() -> None:
    diff = parse_diff(DIFF, "1.1.0")

    files = apply(diff, {"city.txt": "Christiania\nis a city\nby a fjord\n", "other.txt": "stays\n"})

    assert diff.base == "1.0.0"
    assert files == {
        "city.txt": "Oslo\nis a city\nby a fjord\n",
        "river.txt": "-- Akerselva\n\n",
        "other.txt": "stays\n",
    }


def test_a_hunk_is_found_wherever_its_lines_are() -> None:
    files = apply(parse_diff(DIFF, "1.1.0"), {"city.txt": "Once\nChristiania\nis a city\n"})

    assert files["city.txt"] == "Once\nOslo\nis a city\n"


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"city.txt": "Bergen\n"}, "city.txt: expected these lines once, found them 0 times"),
        ({"city.txt": "Christiania\nis a city\n" * 2}, "city.txt: expected these lines once, found them 2 times"),
        ({}, "city.txt: is not there"),
        ({"city.txt": "Christiania\nis a city\n", "river.txt": ""}, "river.txt: is there already"),
    ],
)
def test_a_diff_that_does_not_fit_is_refused(files: dict[str, str], problem: str) -> None:
    with pytest.raises(ExampleError, match=problem):
        apply(parse_diff(DIFF, "1.1.0"), files)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Only words.\n", "found none"),
        (DIFF.replace("+++ 1.1.0/river.txt", "+++ 2.0.0/river.txt"), r"expected \+\+\+ 1\.1\.0/"),
        (DIFF + "--- 0.9.0/a\n+++ 1.1.0/a\n", r"\['0\.9\.0', '1\.0\.0'\]"),
        (DIFF.replace(" is a city\n", ""), r"expected \(2, 2\) lines"),
    ],
)
def test_a_damaged_diff_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ExampleError, match=problem):
        parse_diff(text, "1.1.0")
