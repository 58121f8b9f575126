from dataclasses import dataclass

import pytest

from belay.settings import MissingSettings, read


@dataclass(frozen=True)
class Settings:
    ledger_table: str
    poll_seconds: int


def test_settings_are_read_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_TABLE", "ledger")
    monkeypatch.setenv("POLL_SECONDS", "15")
    assert read(Settings) == Settings("ledger", 15)


@pytest.mark.parametrize(
    ("table", "seconds", "problems"),
    [
        (None, None, "LEDGER_TABLE is not set; POLL_SECONDS is not set"),
        ("", "15", "LEDGER_TABLE is not set"),
        ("ledger", "a minute", "POLL_SECONDS should be a whole number, found 'a minute'"),
        ("ledger", "-1", "POLL_SECONDS should be a whole number, found '-1'"),
        ("ledger", "1.5", "POLL_SECONDS should be a whole number, found '1.5'"),
    ],
)
def test_every_problem_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, table: str | None, seconds: str | None, problems: str
) -> None:
    for name, value in {"LEDGER_TABLE": table, "POLL_SECONDS": seconds}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(MissingSettings) as caught:
        read(Settings)
    assert str(caught.value) == problems
