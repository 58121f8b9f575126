"""``belay``: what authors and operators run by hand. One module a command; only the chosen one is imported."""

from __future__ import annotations

import argparse
import gc
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

COMMANDS: Final = {
    ("validate",): ("cli.validate", "check templates, releases or saved security groups against the policies"),
    ("policies",): ("cli.policies", "list every policy, as Markdown"),
    ("release", "build"): ("cli.build", "make a directory into a release's zip"),
}
_LAYER: Final = Path(__file__).parents[1] / "layers" / "belay"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    words = arguments
    if words is None:
        words = sys.argv[1:]
        gc.disable()  # a command ends before circles of garbage weigh anything; looking for them takes a tenth of it
    if _LAYER.is_dir() and str(_LAYER) not in sys.path:
        sys.path.insert(0, str(_LAYER))
    for command, (module_name, described) in COMMANDS.items():
        if tuple(words[: len(command)]) == command:
            module = import_module(module_name)
            parser = argparse.ArgumentParser(prog=f"belay {' '.join(command)}", description=described)
            module.add_arguments(parser)
            status: int = module.run(parser.parse_args(words[len(command) :]))
            return status
    listed = "\n".join(f"  {' '.join(command):<16}{described}" for command, (_, described) in COMMANDS.items())
    asked = bool(words) and words[0] in ("-h", "--help")
    usage = f"usage: belay COMMAND ...\n\n{listed}\n\nbelay COMMAND --help tells more."
    print(usage, file=None if asked else sys.stderr)
    return 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main())
