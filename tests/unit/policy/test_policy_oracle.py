"""The policies against brute force: random templates, judged under every assignment by an evaluator of its own.

``BELAY_TEMPLATES`` says how many (2,000 by default), ``BELAY_SEED`` the first seed (0 by default, so that ``make test``
judges the same templates every time; ``make test-long`` gives another each time).
"""

import os
import random
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from oracle_shrink import shrunken
from oracle_templates import PARAMETERS, Generator, written
from oracle_verdict import allowed
from untraced import untraced

from belay.policy.applied import security_group_policies
from belay.policy.gate import check_template
from belay.policy.settings import PolicySettings

ROOT = Path(__file__).parents[3]
FAULTS = ROOT / "tests" / "fixtures" / "policy_faults"
"""Earlier bugs of the engine, as patches that reintroduce them."""
TEMPLATES = int(os.environ.get("BELAY_TEMPLATES", "2000"))
FIRST = int(os.environ.get("BELAY_SEED", "0"))
ONLY_SSH = PolicySettings(disabled=frozenset(one.slug for one in security_group_policies()) - {"ssh-open"})
ORDER = ("PASS", "REVIEW", "FAIL")


def verdict(files: dict[str, Any], passed: dict[str, str] | None = None) -> str:
    data = {path: written(template).encode() for path, template in files.items()}
    report = check_template(
        data, "root.yaml", passed or {}, ONLY_SSH, date(2026, 1, 1), defaults_apply=passed is not None
    )
    return max((file["policies"]["ssh-open"] for file in report.summary().values()), key=ORDER.index)


def difference(files: dict[str, Any]) -> str:
    """Return what is expected and what is found, if they differ."""
    right = allowed(files)
    if right is None or (found := verdict(files)) in right:
        return ""
    return f"expected {' or '.join(sorted(right))}, found {found}"


def misjudged(first: int, count: int) -> int | None:
    """Return the first seed whose templates get a wrong verdict."""
    return next((seed for seed in range(first, first + count) if difference(Generator(seed).files())), None)


def counter_example(seed: int) -> str:
    """Return a seed's templates, shrunk while they get the same wrong verdict."""
    files = Generator(seed).files()
    how = difference(files)
    small = shrunken(files, lambda smaller: difference(smaller) == how)
    shown = "\n".join(f"{path}: {written(template)}" for path, template in small.items())
    return f"seed {seed}: {how}:\n{shown}"


@untraced
def test_the_policies_decide_as_brute_force_does() -> None:
    seed = misjudged(FIRST, TEMPLATES)
    assert seed is None, counter_example(seed)


@untraced
def test_values_that_are_passed_decide() -> None:
    for seed in range(FIRST, FIRST + TEMPLATES // 10):
        files = Generator(seed).files()
        chosen = random.Random(seed)
        passed = {name: chosen.choice([text for text in of if type(text) is str]) for name, of in PARAMETERS.items()}
        right = allowed(files, passed)
        assert right is None or verdict(files, passed) in right, f"seed {seed}, {passed}"


@untraced
def test_a_parameter_that_may_have_any_value_hides_nothing() -> None:
    for seed in range(FIRST, FIRST + TEMPLATES // 10):
        files = Generator(seed).files()
        name = next(iter(files["root.yaml"]["Parameters"]))
        if allowed(files) == {"FAIL"}:
            files["root.yaml"]["Parameters"][name] = {"Type": "String"}
            assert verdict(files) in ("FAIL", "REVIEW"), f"seed {seed}, {name}"


@pytest.mark.parametrize("fault", sorted(FAULTS.glob("*.patch")), ids=lambda at: at.stem)
def test_a_fault_that_is_put_back_is_found(tmp_path: Path, fault: Path) -> None:
    shutil.copytree(ROOT / "layers", tmp_path / "layers", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "apply", fault], cwd=tmp_path, check=True)
    # The seed that found it last is tried first.
    seed = int(fault.read_text().partition("\n")[0].removeprefix("seed "))
    search = f"misjudged({seed}, 1) is not None or misjudged(0, 6000) is not None"
    assert ran(tmp_path / "layers", f"print({search})") == "True\n"


def test_a_counter_example_is_small(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "layers", tmp_path / "layers", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "apply", FAULTS / "windows-opens-ssh.patch"], cwd=tmp_path, check=True)
    shown = ran(tmp_path / "layers", "print(counter_example(misjudged(0, 6000)))")
    assert "expected" in shown
    assert "AWS::EKS::Nodegroup" in shown
    assert len(shown) < 600


def ran(layers: Path, program: str) -> str:
    """Return what a program about these functions prints with the engine of another place."""
    path = os.pathsep.join([str(layers / "belay"), str(Path(__file__).parent), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", f"from test_policy_oracle import *; {program}"],
        env={**os.environ, "PYTHONPATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
