"""A repository is mirrored by Git itself: between repositories of this machine, and from a server with a password."""

import base64
import json
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from shutil import copytree
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.validate import ParamValidator
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from iam_decisions import decided
from moto.events.models import EventPattern
from reference_pipeline import made as resources_made

from cli.build import command as build
from cli.validate import command as validate

FOLDER = Path("examples/repository_mirror")
SCRIPT = (FOLDER / "mirror.py").resolve()
README = (FOLDER / "README.md").read_text()
ANYBODY = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    """A repository of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"file://{path}"

    def __call__(self, *arguments: str, given: str = "") -> str:
        command = ["git", "-C", str(self.path), *arguments]
        ended = subprocess.run(
            command,
            input=given,
            env={**os.environ, **ANYBODY},
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=True,
        )
        return ended.stdout.strip()

    def commit(self, message: str, ref: str = "refs/heads/main", *, parent: str | None = "") -> str:
        """Commit an empty tree onto a ref; with None for the parent, the first of a history."""
        before = self("for-each-ref", "--format=%(objectname)", ref) if parent == "" else parent
        tree = self("mktree")
        commit = self("commit-tree", tree, "-m", message, *(["-p", before] if before else []))
        self("update-ref", ref, commit)
        return commit

    @property
    def refs(self) -> dict[str, str]:
        lines = self("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)


def made(path: Path, *options: str) -> Repository:
    path.mkdir()
    repository = Repository(path)
    repository("init", "--quiet", "--bare", "--initial-branch=main", *options)
    return repository


@pytest.fixture(scope="session")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits, a second branch, two tags, a note, and a pull request as GitHub shows it."""
    source = made(tmp_path_factory.mktemp("committed") / "source.git")
    source.commit("first")
    first = source.commit("second")
    source.commit("aside", "refs/heads/aside", parent=first)
    source("tag", "-a", "v1", "-m", "one", first)
    source("tag", "light", first)
    source("notes", "add", "-m", "seen", first)
    source("update-ref", "refs/pull/1/head", first)
    return source.path


@pytest.fixture
def source(committed: Path, tmp_path: Path) -> Repository:
    """A copy of that repository, of the test's own."""
    return Repository(copytree(committed, tmp_path / "source.git"))


@pytest.fixture
def mirror(tmp_path: Path) -> Repository:
    return made(tmp_path / "mirror.git")


def ran(source: str, mirror: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"SOURCE": source, "MIRROR": mirror, "HOME": os.devnull, **environment}
    return subprocess.run(
        [sys.executable, SCRIPT], env={**os.environ, **given}, capture_output=True, text=True, check=False
    )


def mirrored(source: Repository, mirror: Repository, **environment: str) -> dict[str, Any]:
    """Run the script; its report, with what it exited with."""
    ended = ran(source.url, mirror.url, **environment)
    (line,) = ended.stdout.splitlines()
    report: dict[str, Any] = json.loads(line)
    assert ended.stderr == ""
    assert ended.returncode == (0 if report["outcome"] == "MIRRORED" else 1)
    return report


def public(repository: Repository) -> dict[str, str]:
    return {ref: named for ref, named in repository.refs.items() if not ref.startswith("refs/pull/")}


def test_branches_tags_and_notes_are_mirrored_and_nothing_of_the_server_s_own(
    source: Repository, mirror: Repository
) -> None:
    report = mirrored(source, mirror)

    assert mirror.refs == public(source)
    assert set(mirror.refs) == {
        *("refs/heads/main", "refs/heads/aside", "refs/tags/v1", "refs/tags/light", "refs/notes/commits"),
    }
    assert (report["outcome"], report["refs"], report["drift"], report["problems"]) == ("MIRRORED", 5, 0, [])
    assert set(report["created"]) == set(mirror.refs)


def test_a_second_run_moves_what_moved(source: Repository, mirror: Repository) -> None:
    mirrored(source, mirror)
    source.commit("third")

    report = mirrored(source, mirror)

    assert (report["created"], report["advanced"]) == ([], ["refs/heads/main"])
    assert mirror.refs == public(source)
    assert mirrored(source, mirror)["advanced"] == []


def test_what_was_deleted_in_the_source_is_kept_until_deletion_is_chosen(
    source: Repository, mirror: Repository
) -> None:
    mirrored(source, mirror)
    was = mirror.refs["refs/tags/light"]
    source("update-ref", "-d", "refs/tags/light")

    kept = mirrored(source, mirror)
    assert (kept["outcome"], kept["kept"], kept["drift"]) == ("MIRRORED", ["refs/tags/light"], 0)
    assert "refs/tags/light" in mirror.refs

    deleted = mirrored(source, mirror, DELETE="refs/heads/*,refs/tags/*")
    assert deleted["deleted"] == [f"refs/tags/light was {was}"]
    assert mirror.refs == public(source)


def test_a_branch_with_commits_that_the_source_never_had_is_drift(source: Repository, mirror: Repository) -> None:
    mirrored(source, mirror)
    mirror.commit("of somebody", "refs/heads/strange", parent=mirror.refs["refs/heads/main"])

    report = mirrored(source, mirror)

    assert (report["outcome"], report["drift"]) == ("MIRRORED", 1)
    assert report["commits_only_in_mirror"] == ["refs/heads/strange: 1"]


def test_a_diverged_branch_is_told_and_left_alone_and_the_others_are_mirrored(
    source: Repository, mirror: Repository
) -> None:
    mirrored(source, mirror)
    theirs = mirror.commit("of somebody")
    mirror.commit("of somebody else")
    source.commit("third")
    source.commit("more aside", "refs/heads/aside")

    report = mirrored(source, mirror)

    assert (report["outcome"], report["behind"], report["drift"]) == ("INCOMPLETE", 1, 1)
    assert report["advanced"] == ["refs/heads/aside"]
    (problem,) = report["problems"]
    assert problem.startswith("refs/heads/main has 2 commits in the mirror, up to ")
    assert problem.endswith("push them there, or let the mirror lose what it has there (OVERWRITE=refs/heads/main)")
    assert mirror("merge-base", "--is-ancestor", theirs, "refs/heads/main") == ""


def test_a_rewritten_branch_is_overwritten_only_if_that_was_chosen_for_it(
    source: Repository, mirror: Repository
) -> None:
    mirrored(source, mirror)
    was = mirror.refs["refs/heads/aside"]
    source.commit("aside, again", "refs/heads/aside", parent=source.refs["refs/heads/main"])

    assert mirrored(source, mirror, OVERWRITE="refs/heads/other/*")["outcome"] == "INCOMPLETE"
    assert mirror.refs["refs/heads/aside"] == was

    report = mirrored(source, mirror, OVERWRITE="refs/heads/aside")
    assert (report["outcome"], report["overwritten"]) == ("MIRRORED", [f"refs/heads/aside was {was}"])
    assert mirror.refs == public(source)


def test_a_tag_that_moved_is_told(source: Repository, mirror: Repository) -> None:
    mirrored(source, mirror)
    source("tag", "--force", "light", source.commit("third"))

    (problem,) = mirrored(source, mirror)["problems"]

    assert "a tag does not move" in problem
    assert mirror.refs["refs/tags/light"] != source.refs["refs/tags/light"]


def test_another_repository_is_not_written_over(source: Repository, mirror: Repository) -> None:
    mirror.commit("of another history", parent=None)

    (problem,) = mirrored(source, mirror)["problems"]

    assert f"has no commit in common with the source's: is {mirror.url} the mirror of another repository?" in problem


def test_a_shallow_source_is_refused(source: Repository, mirror: Repository, tmp_path: Path) -> None:
    source("clone", "--quiet", "--bare", "--depth=1", source.url, str(tmp_path / "shallow.git"))

    report = mirrored(Repository(tmp_path / "shallow.git"), mirror)

    assert report["outcome"] == "REFUSED"
    assert "shallow.git is a shallow repository, whose history is cut off" in report["problems"][0]
    assert mirror.refs == {}


def test_a_shallow_mirror_is_refused(source: Repository, tmp_path: Path) -> None:
    other = made(tmp_path / "other.git")
    other.commit("of another history")
    other.commit("of another history")
    other("clone", "--quiet", "--bare", "--depth=1", other.url, str(tmp_path / "shallow.git"))

    report = mirrored(source, Repository(tmp_path / "shallow.git"))

    assert report["outcome"] == "REFUSED"
    assert report["problems"][0].startswith("the mirror ")


def test_an_empty_source_empties_no_mirror(source: Repository, mirror: Repository, tmp_path: Path) -> None:
    mirrored(source, mirror)
    before = mirror.refs

    report = mirrored(made(tmp_path / "empty.git"), mirror, DELETE="*", OVERWRITE="*")

    assert (report["outcome"], mirror.refs) == ("REFUSED", before)
    assert "has no branch: expected at least one" in report["problems"][0]


def test_what_the_mirror_rejects_is_told_with_its_reason(source: Repository, mirror: Repository) -> None:
    hook = mirror.path / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase "$1" in refs/notes/*) exit 1;; esac\n')
    hook.chmod(0o755)

    report = mirrored(source, mirror)

    assert (report["outcome"], report["behind"]) == ("INCOMPLETE", 1)
    assert report["problems"] == ["refs/notes/commits: [remote rejected] (hook declined)"]
    assert "refs/heads/main" in mirror.refs


def test_what_is_pushed_meanwhile_is_not_lost(source: Repository, mirror: Repository) -> None:
    """While the mirror runs, a branch that may be overwritten receives a push."""
    mirrored(source, mirror)
    source.commit("aside, again", "refs/heads/aside", parent=source.refs["refs/heads/main"])
    theirs = mirror("commit-tree", mirror("mktree"), "-m", "of somebody", "-p", mirror.refs["refs/heads/aside"])
    # Git reads the refs before it pushes; a mirror's own program does it in between.
    hook = mirror.path / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/aside {theirs}\n")
    hook.chmod(0o755)

    report = mirrored(source, mirror, OVERWRITE="refs/heads/aside")

    assert report["outcome"] == "INCOMPLETE"
    assert mirror.refs["refs/heads/aside"] == theirs


def test_a_push_has_no_more_refs_than_codecommit_takes(source: Repository, mirror: Repository) -> None:
    (at_once,) = (int(each) for each in re.findall(r"^BATCH = (\d+)$", SCRIPT.read_text(), re.MULTILINE))
    assert at_once <= 4000
    head = source.refs["refs/heads/main"]
    tags = (f"create refs/tags/t{each} {head}\n" for each in range(at_once + 100))
    source("update-ref", "--stdin", given="".join(tags))
    hook = mirror.path / "hooks" / "pre-receive"
    hook.write_text(f'#!/bin/sh\ntest "$(wc -l)" -le {at_once}\n')
    hook.chmod(0o755)

    report = mirrored(source, mirror)

    assert (report["outcome"], report["refs"]) == ("MIRRORED", at_once + 105)
    assert (len(report["created"]), report["created"][-1]) == (21, f"and {at_once + 85} more")
    assert mirror.refs == public(source)


@pytest.mark.parametrize(
    "name",
    [
        b"refs/heads/caf\xe9",
        "refs/heads/a\u2028refs/heads/main".encode(),
        "refs/heads/a\u0085b".encode(),
        b"refs/tags/--force",
        b"refs/heads/$(exit)'\"",
    ],
)
def test_a_ref_is_mirrored_whatever_its_name(source: Repository, mirror: Repository, name: bytes) -> None:
    source("update-ref", os.fsdecode(name), "refs/heads/aside")

    report = mirrored(source, mirror)

    assert (report["outcome"], report["behind"], report["drift"]) == ("MIRRORED", 0, 0)
    assert os.fsencode(mirror("for-each-ref", "--format=%(refname)", os.fsdecode(name))) == name
    assert mirror("rev-parse", "refs/heads/main") == source("rev-parse", "refs/heads/main")
    assert mirrored(source, mirror)["created"] == []


def test_refs_with_long_names_are_pushed_in_several_portions(source: Repository, mirror: Repository) -> None:
    named = "/".join(["refs", "heads", *["x" * 200] * 12])
    refs = [f"{named}/{number}" for number in range(900)]
    head = source("rev-parse", "refs/heads/main")
    source("update-ref", "--stdin", given="".join(f"create {ref} {head}\n" for ref in refs))

    report = mirrored(source, mirror)

    assert (report["outcome"], report["refs"]) == ("MIRRORED", 905)


def test_a_branch_gives_way_to_those_below_its_name(source: Repository, mirror: Repository) -> None:
    mirrored(source, mirror)
    source("update-ref", "-d", "refs/heads/aside")
    source.commit("below", "refs/heads/aside/below", parent=source.refs["refs/heads/main"])

    assert mirrored(source, mirror, DELETE="refs/heads/*")["outcome"] == "MIRRORED"
    assert mirror.refs == public(source)


def test_another_default_branch_is_told(source: Repository, mirror: Repository) -> None:
    mirrored(source, mirror)
    source("symbolic-ref", "HEAD", "refs/heads/aside")

    assert mirrored(source, mirror)["default_branch"] == {"source": "refs/heads/aside", "mirror": "refs/heads/main"}


@pytest.mark.parametrize(
    "url",
    [
        "https://ann:hunter2@git.example.com/orders.git",
        "https://hunter2@git.example.com/orders.git",
        "https://git.example.com/orders.git?token=hunter2",
        "http://git.example.com/orders.git",
        "ext::sh -c hunter2",
        "--upload-pack=hunter2",
        "",
    ],
)
def test_a_url_with_a_password_or_of_another_protocol_is_refused_and_not_shown(url: str, mirror: Repository) -> None:
    ended = ran(url, mirror.url)

    assert json.loads(ended.stdout)["outcome"] == "REFUSED"
    assert "SOURCE: expected a URL such as https://host/path.git, without a user" in ended.stdout
    assert "hunter2" not in ended.stdout + ended.stderr


def test_a_fault_is_told_and_is_no_verdict(mirror: Repository, tmp_path: Path) -> None:
    report = mirrored(Repository(tmp_path / "nowhere.git"), mirror)

    assert report["outcome"] == "FAILED"
    assert "nowhere.git" in report["problems"][0]


# -- credentials -------------------------------------------------------------------------------------------------------

ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders-source-AbCdEf"
SECRET = {"username": "mirror", "password": "correct horse"}
AWS = """\
#!{python}
import json, sys
from pathlib import Path
from shutil import copytree
asked = Path({folder!r})
asked.joinpath("asked").open("a").write(json.dumps(sys.argv[1:]) + "\\n")
if "get-secret-value" in sys.argv:
    print(json.dumps({{"SecretString": json.dumps({secret!r})}}))
else:
    asked.joinpath("given").open("a").write(sys.stdin.read())
    print("username={username}\\npassword={password}")
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ``aws`` that returns the secret and signs, and records its calls."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "aws"
    program.write_text(AWS.format(python=sys.executable, folder=str(folder), secret=SECRET, **SECRET))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def certificate(folder: Path) -> Path:
    """A certificate for this machine, with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = builder.add_extension(names, critical=True).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


class Served:
    """A server of a folder's repositories by Git's own ``http-backend``, for users with the password."""

    def __init__(self, folder: Path) -> None:
        self.given: list[str | None] = []
        self.certificate = certificate(folder)
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.given.append(self.headers["Authorization"])
                expected = base64.b64encode(f"{SECRET['username']}:{SECRET['password']}".encode()).decode()
                if served.given[-1] != f"Basic {expected}":
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                answer = subprocess.run(
                    ["git", "http-backend"],
                    input=body,
                    env={
                        **os.environ,
                        "GIT_HTTP_EXPORT_ALL": "1",
                        "GIT_PROJECT_ROOT": str(folder),
                        "PATH_INFO": path,
                        "QUERY_STRING": query,
                        "REQUEST_METHOD": self.command,
                        "CONTENT_LENGTH": str(len(body)),
                        "CONTENT_TYPE": self.headers["Content-Type"] or "",
                        "HTTP_CONTENT_ENCODING": self.headers["Content-Encoding"] or "",
                    },
                    capture_output=True,
                    check=True,
                ).stdout
                head, _, content = answer.partition(b"\r\n\r\n")
                self.send_response(200)
                for line in head.decode().splitlines():
                    self.send_header(*line.split(": ", 1))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path)
    yield server
    server.stop()


def test_a_password_comes_from_the_secret_and_is_seen_nowhere(
    source: Repository, mirror: Repository, served: Served, asked: Path
) -> None:
    ended = ran(f"{served.url}/source.git", mirror.url, SECRET=ARN, GIT_SSL_CAINFO=str(served.certificate))

    assert json.loads(ended.stdout)["outcome"] == "MIRRORED"
    assert mirror.refs == public(source)
    assert SECRET["password"] not in ended.stdout + ended.stderr + (asked / "asked").read_text()
    calls = [json.loads(line) for line in (asked / "asked").read_text().splitlines()]
    expected = ["--region", "eu-west-1", "secretsmanager", "get-secret-value", "--secret-id", ARN, "--output", "json"]
    assert calls == [expected, expected]  # for the fetch, and for the default branch


def test_the_mirror_never_gets_the_source_s_password(
    source: Repository, mirror: Repository, served: Served, asked: Path
) -> None:
    ended = ran(source.url, f"{served.url}/mirror.git", SECRET=ARN, GIT_SSL_CAINFO=str(served.certificate))

    assert json.loads(ended.stdout)["outcome"] == "FAILED"
    assert set(served.given) == {None}
    assert not (asked / "asked").exists()


def test_nobody_is_asked_for_a_password_that_is_missing(mirror: Repository, served: Served, source: Repository) -> None:
    ended = ran(f"{served.url}/source.git", mirror.url, GIT_SSL_CAINFO=str(served.certificate))

    assert json.loads(ended.stdout)["outcome"] == "FAILED"
    assert "could not read Username" in ended.stdout


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/orders", "eu-west-1"),
        ("https://codeconnections.eu-north-1.amazonaws.com/git-http/1/eu-north-1/ab-c/acme/orders.git", "eu-north-1"),
    ],
)
def test_aws_signs_for_its_own_hosts_by_path(url: str, region: str, asked: Path, tmp_path: Path) -> None:
    """As ``aws codecommit credential-helper`` documents it; Git's own ``credential fill`` calls it as a fetch would."""
    git = f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import mirror; settings = mirror.Settings.read()\n"
    git += f"print(mirror.Git({str(tmp_path)!r}, settings)('credential', 'fill', given='url={url}\\n'))"
    environment = {**os.environ, "SOURCE": url, "MIRROR": f"file://{tmp_path}", "SECRET": ""}

    filled = subprocess.run([sys.executable, "-c", git], env=environment, capture_output=True, text=True, check=True)

    assert f"username={SECRET['username']}" in filled.stdout
    assert json.loads((asked / "asked").read_text()) == ["--region", region, "codecommit", "credential-helper", "get"]
    assert f"path={url.split('.com/')[1]}" in (asked / "given").read_text().splitlines()


# -- the stacks --------------------------------------------------------------------------------------------------------

ACCOUNT = "111122223333"
SOURCE_ARN = f"arn:aws:codecommit:eu-west-1:{ACCOUNT}:orders"
CONNECTION = f"arn:aws:codeconnections:eu-central-1:{ACCOUNT}:connection/0a1b-2c"
GIVEN = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::URLSuffix": "amazonaws.com",
    "Mirror": "orders",
    "OnCallEmail": "ann@example.com",
    "ReleaseBucket": "artifacts",
    "ReleasePrefix": "releases/orders-mirror/1",
}
SOURCES = {
    "CodeCommit": {"SourceArn": SOURCE_ARN},
    "GitHub": {"ConnectionArn": CONNECTION, "SourceRepository": "acme/orders"},
    "GitLab": {"ConnectionArn": CONNECTION, "SourceRepository": "acme/shop/orders", "Provider": "GITLAB"},
    "secret": {"SourceUrl": "https://git.example.com/orders.git", "LoginArn": ARN},
    "public": {"SourceUrl": "https://git.example.com/orders.git"},
}


def stack(source: str) -> dict[str, dict[str, Any]]:
    return resources_made(FOLDER / "template.yaml", {**GIVEN, **SOURCES[source]})


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("CodeCommit", "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/orders"),
        (
            "GitLab",
            f"https://codeconnections.eu-central-1.amazonaws.com/git-http/{ACCOUNT}/eu-central-1/0a1b-2c/acme/shop/orders.git",
        ),
        ("secret", "https://git.example.com/orders.git"),
    ],
)
def test_the_script_is_told_where_the_source_is(source: str, url: str) -> None:
    variables = {each["Name"]: each["Value"] for each in environment_of(source)}

    assert variables["SOURCE"] == url
    assert variables.keys() == {
        *("SOURCE", "MIRROR", "SECRET", "OVERWRITE", "DELETE", "RELEASE_BUCKET", "RELEASE_PREFIX"),
    }


def environment_of(source: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = stack(source)["Project"]["Properties"]["Environment"]["EnvironmentVariables"]
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_no_secret_s_value_is_in_the_environment(source: str) -> None:
    """CodeBuild would put it there, where each process of the build has it."""
    assert {each.get("Type", "PLAINTEXT") for each in environment_of(source)} == {"PLAINTEXT"}


MIRROR_ARN = "${Repository.Arn}"
PULL, PUSH, TELL = "codecommit:GitPull", "codecommit:GitPush", "secretsmanager:GetSecretValue"
USE, FULL, ACTION = (f"codeconnections:{each}" for each in ("UseConnection", "FullRepositoryId", "ProviderAction"))


@pytest.mark.parametrize(
    ("source", "action", "resource", "context", "allowed"),
    [
        ("CodeCommit", PULL, SOURCE_ARN, {}, True),
        ("CodeCommit", PUSH, SOURCE_ARN, {}, False),
        ("CodeCommit", PULL, f"{SOURCE_ARN}-2", {}, False),
        ("CodeCommit", "codecommit:DeleteRepository", SOURCE_ARN, {}, False),
        ("CodeCommit", TELL, ARN, {}, False),
        ("secret", TELL, ARN, {}, True),
        ("secret", TELL, f"{ARN[:-6]}GhIjKl", {}, False),
        ("public", TELL, ARN, {}, False),
        ("GitHub", USE, CONNECTION, {}, True),
        ("GitHub", USE, CONNECTION, {FULL: "acme/orders", ACTION: "GitPull"}, True),
        ("GitHub", USE, CONNECTION, {FULL: "acme/orders", ACTION: "GitPush"}, False),
        ("GitHub", USE, CONNECTION, {FULL: "acme/other", ACTION: "GitPull"}, False),
        ("GitHub", PULL, SOURCE_ARN, {}, False),
        ("GitHub", "s3:GetObject", "arn:aws:s3:::artifacts/releases/orders-mirror/1/mirror.py", {}, True),
        ("GitHub", "s3:GetObject", "arn:aws:s3:::artifacts/releases/orders/1/template.yaml", {}, False),
    ],
)
def test_a_run_reads_its_source_and_writes_the_mirror_alone(
    source: str, action: str, resource: str, context: dict[str, str], allowed: bool
) -> None:
    (policy,) = stack(source)["MirrorRole"]["Properties"]["Policies"]
    decision = decided(
        [policy["PolicyDocument"]], action, resource, region="eu-central-1", context=context, account=ACCOUNT
    )

    assert (decision == "Allow") is allowed


PUSHED = {
    # https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
    "version": "0",
    "id": "01234567-0123-0123-0123-012345678901",
    "detail-type": "CodeCommit Repository State Change",
    "source": "aws.codecommit",
    "account": ACCOUNT,
    "time": "2026-06-12T10:23:43Z",
    "region": "eu-west-1",
    "resources": [SOURCE_ARN],
    "detail": {
        "event": "referenceUpdated",
        "repositoryName": "orders",
        "repositoryId": "12345678-1234-5678-abcd-12345678abcd",
        "referenceType": "branch",
        "referenceName": "main",
        "referenceFullName": "refs/heads/main",
        "commitId": "3e5983DESTINATION",
        "oldCommitId": "3e5a9bf1EXAMPLE",
    },
}


@pytest.mark.parametrize("changed", [{}, {"resources": [f"{SOURCE_ARN}-2"]}, {"source": "of.mine"}])
def test_a_push_to_the_source_is_told_and_starts_a_run(changed: dict[str, Any]) -> None:
    region = {**GIVEN, "AWS::Region": "eu-west-1", "SourceName": "orders", "MirrorRegion": "eu-central-1"}
    telling = resources_made(FOLDER / "source.yaml", region)["Pushed"]["Properties"]
    starting = stack("CodeCommit")["Pushed"]["Properties"]

    for rule in (telling, starting):
        pattern = EventPattern.load(json.dumps(rule["EventPattern"]))
        assert pattern.matches_event({**PUSHED, **changed}) is not bool(changed)
    assert telling["Targets"][0]["Arn"] == f"arn:aws:events:eu-central-1:{ACCOUNT}:event-bus/default"


def as_api(value: Any) -> Any:
    """CloudFormation's properties of a project as CodeBuild's API has them."""
    if isinstance(value, dict):
        names = {"BuildSpec": "buildspec"}
        return {names.get(key, key[0].lower() + key[1:]): as_api(each) for key, each in value.items()}
    return [as_api(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("source", SOURCES)
def test_botocore_takes_the_project(source: str) -> None:
    properties = as_api(stack(source)["Project"]["Properties"])
    triggers = properties.pop("triggers", None)
    for name in ("concurrentBuildLimit", "timeoutInMinutes"):
        properties[name] = int(properties[name])
    if "gitCloneDepth" in properties["source"]:
        properties["source"]["gitCloneDepth"] = int(properties["source"]["gitCloneDepth"])
    model = botocore.session.get_session().get_service_model("codebuild")

    report = ParamValidator().validate(properties, model.operation_model("CreateProject").input_shape)

    assert report.generate_report() == ""
    assert (triggers is not None) is (source in {"GitHub", "GitLab"})
    kinds = model.shape_for("SourceType").enum
    assert properties["source"]["type"] in kinds
    assert (
        properties["source"].get("auth", {"type": "CODECONNECTIONS"})["type"] in model.shape_for("SourceAuthType").enum
    )


def test_a_build_s_commands_fetch_the_script_and_mirror(source: Repository, mirror: Repository, tmp_path: Path) -> None:
    spec = yaml.safe_load(stack("GitHub")["Project"]["Properties"]["Source"]["BuildSpec"])
    variables = {each["Name"]: each["Value"] for each in environment_of("public")}
    fetched = f"s3://{GIVEN['ReleaseBucket']}/{GIVEN['ReleasePrefix']}/mirror.py"
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    (programs / "aws").write_text(
        f'#!/bin/sh\ntest "$*" = "s3 cp --only-show-errors {fetched} $5" && cp {SCRIPT} "$5"\n'
    )
    (programs / "aws").chmod(0o755)
    variables |= {"SOURCE": source.url, "MIRROR": mirror.url, "HOME": str(tmp_path)}
    variables["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    # The contents of a build's folder are the source's own.
    (tmp_path / "json.py").write_text("raise SystemExit('the source was run')")

    for command in spec["phases"]["build"]["commands"]:
        ended = subprocess.run(
            ["bash", "-ec", command], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
        )

    assert json.loads(ended.stdout)["outcome"] == "MIRRORED"
    assert mirror.refs == public(source)


def test_the_alarms_read_what_the_report_says() -> None:
    made = stack("CodeCommit")
    (metric,) = made["DriftFound"]["Properties"]["MetricTransformations"]
    alarm = made["DriftAlarm"]["Properties"]

    assert (metric["MetricNamespace"], metric["MetricName"]) == (alarm["Namespace"], alarm["MetricName"])
    assert metric["MetricValue"] == "$.drift"
    assert made["StaleAlarm"]["Properties"]["TreatMissingData"] == "breaching"


def test_nothing_is_found_in_the_templates_not_even_advice() -> None:
    checked = CliRunner().invoke(
        validate, ["--format", "json", str(FOLDER / "template.yaml"), str(FOLDER / "source.yaml")]
    )

    assert json.loads(checked.stdout)["findings"] == []
    assert checked.exit_code == 0


# -- the page ----------------------------------------------------------------------------------------------------------


def commands() -> list[str]:
    """The commands that the page shows, each on a line."""
    indented = "\n".join(line.removeprefix("    ") for line in README.splitlines() if line.startswith("    "))
    return indented.replace("\\\n", " ").splitlines()


def test_its_trial_mirrors_this_machine_s_repositories(source: Repository, tmp_path: Path) -> None:
    trial = "\n".join(commands()[:2]).replace("examples/repository_mirror/mirror.py", str(SCRIPT))
    trial = trial.replace("$PWD/.git", str(source.path)).replace("python3", sys.executable)

    ended = subprocess.run(["bash", "-ec", trial], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert json.loads(ended.stdout)["outcome"] == "MIRRORED"
    assert Repository(tmp_path / "mirror.git").refs == public(source)


def test_its_release_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = commands()[2].split()
    assert words[:3] == ["belay", "release", "build"]
    folder = Path(words[3]).resolve()
    monkeypatch.chdir(tmp_path)

    built = CliRunner().invoke(build, [str(folder)])

    assert "release  orders-mirror 1.0.0" in built.output
    assert (tmp_path / "orders-mirror-1.0.0.zip").is_file()


def test_its_deployment_gives_every_parameter_that_needs_a_value() -> None:
    words = commands()[3].split()
    given = {word.partition("=")[0] for word in words[words.index("--parameter-overrides") + 1 :]}
    scope = yaml.compose((FOLDER / "template.yaml").read_text())
    declared = next(value for key, value in scope.value if key.value == "Parameters")
    needed = {key.value for key, value in declared.value if "Default" not in {name.value for name, _ in value.value}}

    assert words[:3] == ["aws", "cloudformation", "deploy"]
    assert needed <= given <= {key.value for key, _ in declared.value}
