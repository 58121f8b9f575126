import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOURCES = [
    ROOT / "layers" / "belay" / "belay" / room
    for room in ("approval/decision.py", "control/decisions.py", "events/function_url.py")
]


def test_every_refusal_is_documented_with_its_status() -> None:
    code = "".join(path.read_text() for path in SOURCES)
    refusals = set(re.findall(r'Refusal\(\s*(\d{3}), "(\w+)"', code))
    table = re.findall(r"^\| (\d{3}) \| (.+?) \| ", (ROOT / "docs" / "approvals.md").read_text(), re.MULTILINE)
    documented = {(status, name) for status, names in table for name in re.findall(r"`(\w+)`", names)}
    assert len(refusals) > 8
    assert refusals == documented
