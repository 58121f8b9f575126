"""Creates the directory of a Belay release from this example: ``release.py VERSION DIRECTORY``.

The revision for CodeDeploy and the code of the functions are zips in it, deterministic.
"""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
PROTOCOL = HERE.parent / "custom_resources" / "functions" / "custom_resource.py"
VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")


def main(version: str, directory: Path) -> None:
    """Write the directory. Exits with a message if the version is invalid."""
    if not VERSION.fullmatch(version):
        raise SystemExit(f"expected a version such as 1.2.0, found {version!r}")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    shutil.copy(HERE / "template.yaml", directory)
    manifest = (HERE / "release.yaml").read_text(encoding="utf-8")
    (directory / "release.yaml").write_text(manifest.replace("0.0.0", version), encoding="utf-8")
    pack(directory / "revision.zip", below(HERE / "revision"))
    pack(directory / "functions.zip", {**below(HERE / "functions"), PROTOCOL.name: PROTOCOL})


def below(folder: Path) -> dict[str, Path]:
    """Return the files of a folder, by their names in a zip."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path for path in found}


def pack(archive: Path, files: Mapping[str, Path]) -> None:
    """Zip files; those that the hooks run are executable."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name)
            mode = 0o755 if name.endswith(".sh") else 0o644
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, mode << 16
            packed.writestr(entry, files[name].read_bytes())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
