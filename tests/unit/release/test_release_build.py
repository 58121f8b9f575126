import os
import re
import zipfile
from pathlib import Path

import pytest

from belay.errors import InvalidRelease
from belay.release.archive import open_archive
from belay.release.manifest import digest, read_manifest, read_verified, verify_members
from cli.__main__ import main
from cli.build import build_release
from cli.reader import FileReader

MANIFEST = """\
# The orders service.
application: orders
version: 1.2.0
stacks:
  - name: network
    template: templates/network.yaml
    parameters: {VpcCidr: 10.0.0.0/16}
"""
NETWORK = "Parameters: {VpcCidr: {Type: String}}\nResources: {}\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "orders"
    write(directory, "release.yaml", MANIFEST)
    write(directory, "templates/network.yaml", NETWORK)
    write(directory, "assets/a.txt", "a")
    write(directory, "zebra's größe.txt", "z")
    return directory


def write(directory: Path, name: str, text: str) -> None:
    (directory / name).parent.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text)


def refusal(directory: Path, output: Path | None = None) -> list[str]:
    with pytest.raises(InvalidRelease) as raised:
        build_release(directory, output)
    return raised.value.problems


def run(*arguments: object) -> int:
    return main(["release", "build", *map(str, arguments)])


def test_a_release_that_belay_accepts(directory: Path, tmp_path: Path) -> None:
    built = build_release(directory, tmp_path / "out.zip")
    archive = open_archive(FileReader(built.path))
    manifest = read_manifest(archive)
    verify_members(manifest, archive)

    assert (built.application, built.version, built.files, built.left_out) == ("orders", "1.2.0", 4, ())
    assert built.size == built.path.stat().st_size
    assert built.sha256 == digest(built.path.read_bytes())
    assert read_verified(archive, manifest, "templates/network.yaml").decode() == NETWORK
    assert archive.read("release.yaml").decode().startswith(MANIFEST)


def test_what_is_read_first_comes_first(directory: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(build_release(directory, tmp_path / "out.zip").path) as archive:
        names = ["release.yaml", "templates/network.yaml", "assets/a.txt", "zebra's größe.txt"]

        assert archive.namelist() == names


def test_the_same_files_give_the_same_bytes(directory: Path, tmp_path: Path) -> None:
    first = build_release(directory, tmp_path / "first.zip")
    for path in directory.rglob("*"):
        os.utime(path, (0, 0))
    (directory / "assets/a.txt").chmod(0o755)
    second = build_release(directory, tmp_path / "second.zip")

    assert first.path.read_bytes() == second.path.read_bytes()


AWKWARD = [
    "key: b",
    '"quoted"',
    "it's",
    "- a",
    "{x}",
    "#c",
    " led",
    "trailed ",
    "true",
    "1",
    "*a",
    "&a",
    "!a",
    "日本/語",
    "🦩",
    "~",
]


def test_names_that_mean_something_in_yaml(directory: Path, tmp_path: Path) -> None:
    for name in AWKWARD:
        write(directory, f"awkward/{name}", name)
        write(directory, name, name)
    archive = open_archive(FileReader(build_release(directory, tmp_path / "out.zip").path))
    manifest = read_manifest(archive)

    assert [read_verified(archive, manifest, name).decode() for name in AWKWARD] == AWKWARD
    assert [read_verified(archive, manifest, f"awkward/{name}").decode() for name in AWKWARD] == AWKWARD


def test_hidden_files_stay_out(directory: Path, tmp_path: Path) -> None:
    write(directory, ".git/config", "secret")
    write(directory, "assets/.DS_Store", "x")
    built = build_release(directory, tmp_path / "out.zip")

    assert built.left_out == (".git", "assets/.DS_Store")
    assert built.files == 4


def test_every_problem_is_told_at_once(directory: Path, tmp_path: Path) -> None:
    write(
        directory,
        "release.yaml",
        MANIFEST.replace("1.2.0", "1.2").replace("}", ", Size: 3}")
        + "  - {name: network, template: templates/service.yaml}\n  - {name: c, template: assets/a.txt}\n",
    )
    (directory / "assets/link").symlink_to("a.txt")
    write(directory, "a\\b", "x")
    os.mkfifo(directory / "pipe")

    assert refusal(directory, directory / "out.zip") == [
        "'a\\\\b': the path has a backslash; expected forward slashes",
        "'pipe': expected a regular file, found a link or a special file",
        "'assets/link': expected a regular file, found a link or a special file",
        "release.yaml: stacks[1].name: duplicate stack 'network'",
        "release.yaml: stacks[1].template: the release has no file 'templates/service.yaml'",
        "release.yaml: version: expected a semantic version of at most 100 characters, such as 1.4.0 or 2.0.0-rc.1,"
        " found the number 1.2",
        "release.yaml: stacks.network.parameters.Size: templates/network.yaml declares no such parameter",
        "assets/a.txt:1:1: expected a template, a mapping with Resources; found no mapping.",
        f"{directory / 'out.zip'}: the zip would be inside the directory it is built from; choose another --output",
    ]
    assert not (directory / "out.zip").exists()


@pytest.mark.skipif(os.path.normcase("A") == "a", reason="this file system holds both names equal")
def test_names_that_some_systems_hold_equal(directory: Path, tmp_path: Path) -> None:
    write(directory, "Release.yaml", "x")

    assert refusal(directory, tmp_path / "out.zip") == [
        "'Release.yaml': duplicate name, apart from case and Unicode form ('release.yaml')"
    ]


@pytest.mark.parametrize("text", ["{application: orders}\n", MANIFEST + "...\n"])
def test_a_manifest_that_nothing_can_be_appended_to(directory: Path, tmp_path: Path, text: str) -> None:
    write(directory, "release.yaml", text)

    assert "release.yaml: the build appends the digests, so use YAML's block style without a final `...`" in refusal(
        directory, tmp_path / "out.zip"
    )


def test_a_file_that_inflates_like_a_bomb(directory: Path, tmp_path: Path) -> None:
    write(directory, "zeros", "\0" * 2 * 1024 * 1024)

    (problem,) = refusal(directory, tmp_path / "out.zip")
    assert re.fullmatch(r"'zeros': it inflates 10\d\d times; at most 200 are allowed", problem)
    assert [path.name for path in tmp_path.iterdir()] == ["orders"]


def test_a_failure_leaves_the_zip_before_it(directory: Path, tmp_path: Path) -> None:
    built = build_release(directory, tmp_path / "out.zip")
    before = built.path.read_bytes()
    write(directory, "templates/network.yaml", "no template")

    assert refusal(directory, built.path)
    assert built.path.read_bytes() == before


class TestCommand:
    def test_it_tells_what_it_built(
        self, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write(directory, ".env", "SECRET=1")
        monkeypatch.chdir(tmp_path)
        status = run("orders")
        built = tmp_path / "orders-1.2.0.zip"
        output = capsys.readouterr()

        assert status == 0
        assert output.out.splitlines() == [
            "release  orders 1.2.0",
            "file     orders-1.2.0.zip",
            f"size     {built.stat().st_size} bytes, 4 files",
            f"sha-256  {digest(built.read_bytes())}",
        ]
        assert output.err == "left out: .env (hidden files are not part of a release)\n"

    def test_it_tells_what_is_wrong(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(tmp_path, "--output", tmp_path / "x.zip") == 1
        assert capsys.readouterr().err.splitlines() == [
            f"{tmp_path} is not a valid release:",
            f"  {tmp_path / 'release.yaml'}: expected the release's manifest, found no such file",
        ]

    def test_it_tells_what_cannot_be_written(
        self, directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = tmp_path / "nowhere"
        assert run(directory, "--output", folder / "x.zip") == 1
        assert f"{folder / 'x.zip'}: there is no directory {folder}; create it, or" in capsys.readouterr().err
        (tmp_path / "x.zip").mkdir()
        assert run(directory, "--output", tmp_path / "x.zip") == 1
        assert capsys.readouterr().err.startswith(f"{directory} could not be built: ")

    def test_it_tells_that_there_is_no_such_directory(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(tmp_path / "nowhere") == 1
        assert "nowhere: expected a directory with release.yaml, found no directory" in capsys.readouterr().err
