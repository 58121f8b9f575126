"""How many more DynamoDB requests, pages included, a ledger of 10,000 releases needs than one of ten.

    .venv/bin/python benchmarks/ledger.py [--few 10] [--many 10000] [--output build/ledger.json]

The ledger is in an AWS simulated by moto, which pages at 1 MB as DynamoDB does. The command fails if anything makes
more requests of the ledger with many than with few.
"""

import argparse
import json
import os
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(_ROOT / each) for each in ("", "layers/belay", "functions", "tests", "tests/contract/aws")]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "HISTORY_DAYS": "4000",
}
for _name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "BELAY_STACK"):
    os.environ.pop(_name, None)

from grown_ledger import GrownOffice  # noqa: E402 - found by the lines above
from moto import mock_aws  # noqa: E402


def main() -> int:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=Path("build/ledger.json"))
    arguments = parser.parse_args()
    with mock_aws():
        office = GrownOffice()
        os.environ |= office.environment
        sizes = (arguments.few, arguments.many)
        held, asked = {}, {}
        for size in sizes:
            office.grow(size)
            held[size] = office.items()
            asked[size] = office.measured()
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(held[size].items()))
            print(f"{size:,} releases: {held[size].total():,} items ({kinds})", flush=True)
    few, many = (asked[size] for size in sizes)
    print(f"{'requests of the ledger':<32}{sizes[0]:>8,}{sizes[1]:>8,}   ratio  asked for")
    for name, requests in many.items():
        what = ", ".join(f"{count} {operation}" for operation, count in sorted(requests.by_operation.items()))
        ratio = requests.total / few[name].total
        print(f"{name:<32}{few[name].total:>8}{requests.total:>8}   {ratio:>5.2f}  {what}")
    figures = {
        "items": {size: dict(counts) for size, counts in held.items()},
        "requests": {name: {size: asked[size][name].by_operation for size in sizes} for name in many},
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(figures, indent=1) + "\n")
    return int(any(requests.total > few[name].total for name, requests in many.items()))


if __name__ == "__main__":
    sys.exit(main())
