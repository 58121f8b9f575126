"""Makes ``build/release``, the directory of a Belay release, from what the build tested.

``release.py VERSION`` writes the manifest, the template, the function's code as a zip, and ``provenance.json``: which
commit was built by which build, from which dependencies, as a statement of SLSA (https://slsa.dev/spec/v1.0/provenance).
"""

import base64
import hashlib
import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

APPLICATION, RELEASE = Path("application"), Path("build/release")
SHIPPED = ("handler.py", "vendor")
HASHED = re.compile(
    r"^(?P<name>[A-Za-z0-9_.-]+)==(?P<version>\S+)(?P<hashes>(?:\s*\\?\s*--hash=sha256:[0-9a-f]{64})+)", re.M
)
VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")


def main(version: str) -> None:
    """Write the directory. Exits with a message if the version is invalid."""
    if not VERSION.fullmatch(version):
        raise SystemExit(f"expected a tag such as v1.2.0, found the version {version!r}")
    shutil.rmtree(RELEASE, ignore_errors=True)
    RELEASE.mkdir(parents=True)
    shutil.copy(APPLICATION / "template.yaml", RELEASE)
    manifest = (APPLICATION / "release.yaml").read_text().replace("0.0.0", version)
    (RELEASE / "release.yaml").write_text(manifest)
    pack(RELEASE / "code.zip")
    digest = hashlib.sha256((RELEASE / "code.zip").read_bytes()).hexdigest()
    (RELEASE / "provenance.json").write_text(json.dumps(provenance(digest), indent=1) + "\n")


def pack(archive: Path) -> None:
    """Zip what is shipped; the same files give the same bytes."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(each for name in SHIPPED for each in files(APPLICATION / name)):
            entry = zipfile.ZipInfo(
                file.relative_to(APPLICATION / "vendor" if "vendor" in file.parts else APPLICATION).as_posix()
            )
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            packed.writestr(entry, file.read_bytes())


def files(path: Path) -> Iterator[Path]:
    """Yield a file, or those below a folder except caches."""
    if path.is_file():
        yield path
    yield from (each for each in path.rglob("*") if each.is_file() and "__pycache__" not in each.parts)


def provenance(digest: str) -> dict[str, Any]:
    """Return the statement about the code with this SHA-256."""
    commit = {
        "uri": f"git+{os.environ['CODEBUILD_SOURCE_REPO_URL']}",
        "digest": {"gitCommit": os.environ["CODEBUILD_RESOLVED_SOURCE_VERSION"]},
    }
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "code.zip", "digest": {"sha256": digest}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html",
                "externalParameters": {"trigger": os.environ.get("CODEBUILD_WEBHOOK_TRIGGER", "")},
                "resolvedDependencies": [commit, *python_packages(), *node_packages()],
            },
            "runDetails": {
                "builder": {"id": os.environ["CODEBUILD_BUILD_ARN"].rpartition(":")[0]},
                "metadata": {"invocationId": os.environ["CODEBUILD_BUILD_ARN"]},
            },
        },
    }


def python_packages() -> list[dict[str, Any]]:
    """The packages that requirements.txt locks; one of a package's hashes is the installed file's."""
    return [
        {"uri": f"pkg:pypi/{each['name']}@{each['version']}", "digest": {"sha256": value}}
        for each in HASHED.finditer((APPLICATION / "requirements.txt").read_text())
        for value in re.findall(r"sha256:([0-9a-f]{64})", each["hashes"])
    ]


def node_packages() -> list[dict[str, Any]]:
    """The packages that package-lock.json locks."""
    packages = json.loads((APPLICATION / "package-lock.json").read_text())["packages"]
    return [
        {
            "uri": f"pkg:npm/{path.rpartition('node_modules/')[2].replace('@', '%40')}@{each['version']}",
            "digest": {"sha512": base64.b64decode(each["integrity"].removeprefix("sha512-")).hex()},
        }
        for path, each in packages.items()
        if path
    ]


if __name__ == "__main__":
    main(sys.argv[1])
