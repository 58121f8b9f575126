"""The cost of accepting a release of 1 GiB: bytes and requests read, peak memory, time; then the cost of copying it.

    .venv/bin/python benchmarks/accept_release.py [--mebibytes 1024] [--output build/accept_release.json]

Accepting means: open the archive, read and check the manifest, read and check every template. Copying streams every
member and checks its CRC and digest. Each is measured in its own process, with a local file that counts the bytes read.
The command fails if accepting reads 2 % of the archive or more, or uses 150 MiB of memory or more.
"""

import argparse
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "layers" / "belay")]

from belay.release.archive import MANIFEST, open_archive  # noqa: E402 - found by the line above
from belay.release.manifest import read_manifest, read_verified, stream_verified, verify_members  # noqa: E402
from cli.reader import FileReader  # noqa: E402

MIB = 1024 * 1024
TEMPLATES = 20
TEMPLATE_SIZE = 40_000
MOST_SHARE = 0.02
MOST_MEMORY = 150

SCENARIOS = {"one large file": 1, "many small files": 9_000}


class CountingReader:
    """A local file that counts the bytes read from it."""

    def __init__(self, path: Path) -> None:
        self._file = FileReader(path)
        self.requests = 0
        self.bytes = 0

    @property
    def size(self) -> int:
        """The file's size in bytes."""
        return self._file.size

    def read(self, offset: int, length: int) -> bytes:
        """Read, and count."""
        self.requests += 1
        self.bytes += length
        return self._file.read(offset, length)


def write_release(path: Path, size: int, files: int) -> None:
    """Write a release with stored files, templates scattered between them, and the manifest last."""
    generator = random.Random(0)
    names = [f"assets/{number:05}.bin" for number in range(files)]
    templates = [f"templates/{number:02}.yaml" for number in range(TEMPLATES)]
    digests: dict[str, str] = {}
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(names):
            for template in templates[number * TEMPLATES // files : (number + 1) * TEMPLATES // files]:
                text = "Resources: {}\n#" + generator.randbytes(TEMPLATE_SIZE // 2).hex()
                digests[template] = hashlib.sha256(text.encode()).hexdigest()
                archive.writestr(template, text, zipfile.ZIP_DEFLATED)
            sha256 = hashlib.sha256()
            with archive.open(name, "w", force_zip64=True) as member:
                for piece in _pieces(generator, size // files):
                    sha256.update(piece)
                    member.write(piece)
            digests[name] = sha256.hexdigest()
        stacks = [{"name": f"stack-{number}", "template": name} for number, name in enumerate(templates)]
        manifest = {"application": "orders", "version": "1.0.0", "stacks": stacks, "digests": digests}
        archive.writestr("release.yaml", json.dumps(manifest, indent=1), zipfile.ZIP_DEFLATED)


def _pieces(generator: random.Random, size: int) -> Iterator[bytes]:
    for start in range(0, size, MIB):
        yield generator.randbytes(min(MIB, size - start))


def measure(path: Path, copying: bool) -> dict[str, float]:
    """Accept the release, or copy all of it, in this process."""
    reader = CountingReader(path)
    started = time.perf_counter()
    archive = open_archive(reader)
    manifest = read_manifest(archive)
    verify_members(manifest, archive)
    if copying:
        for member in archive.members:
            if member.name != MANIFEST:
                deque(stream_verified(archive, manifest, member.name), maxlen=0)
    else:
        for stack in manifest.stacks:
            read_verified(archive, manifest, stack.template)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (MIB if sys.platform == "darwin" else 1024)
    return {
        "seconds": round(seconds, 2),
        "requests": reader.requests,
        "mebibytes_read": round(reader.bytes / MIB, 2),
        "share_read": round(reader.bytes / reader.size, 4),
        "peak_mebibytes": round(peak, 1),
    }


def main() -> int:
    """Measure both scenarios and check them against the limits."""
    parser = argparse.ArgumentParser(description="Measure what accepting and copying a large release costs.")
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--copying", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.copying)))
        return 0
    results = {name: _run(arguments.mebibytes * MIB, files) for name, files in SCENARIOS.items()}
    print(json.dumps(results, indent=2))
    if arguments.output:
        arguments.output.write_text(json.dumps(results, indent=2))
    accepted = [result["accept"] for result in results.values()]
    return int(any(each["share_read"] >= MOST_SHARE or each["peak_mebibytes"] >= MOST_MEMORY for each in accepted))


def _run(size: int, files: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "release.zip")
        write_release(path, size, files)
        child = [sys.executable, __file__, "--measure", str(path)]
        return {
            name: json.loads(subprocess.run([*child, *flags], check=True, capture_output=True).stdout)
            for name, flags in {"accept": [], "copy": ["--copying"]}.items()
        }


if __name__ == "__main__":
    sys.exit(main())
