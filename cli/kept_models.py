"""Models of databases that are kept between runs, so that what was applied before is not parsed again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import belay.sql
from belay.errors import BelayError
from belay.sql.changes import Engine
from belay.sql.model import Model, from_json, to_json

MOST = 20
"""How many models are kept; the least recently used goes first."""


def kept_model(engine: Engine, parts: Iterable[str], make: Callable[[], Model]) -> Model:
    """Return the model that was kept of these parts (digests of changes, in order), or make and keep it.

    The code that made a model is part of its key. What cannot be kept or read is made again, as is the empty model.
    """
    digests = list(parts)
    if not digests:
        return make()
    named = hashlib.sha256("\n".join([engine, *_code(), *digests]).encode()).hexdigest()
    path = folder() / f"{named}.json"
    with suppress(OSError, ValueError, BelayError):
        model = from_json(json.loads(path.read_text(encoding="utf-8")))
        path.touch()
        return model
    model = make()
    with suppress(OSError):
        _keep(path, json.dumps(to_json(model)))
    return model


def folder() -> Path:
    """Return where models are kept: ``belay/models`` in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "belay" / "models"


def _code() -> list[str]:
    """Return what tells this version of what reads SQL from others."""
    files = sorted(Path(belay.sql.__path__[0]).glob("*.py"))
    return [f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_suffix(f".{os.getpid()}")
    whole.write_text(text, encoding="utf-8")
    whole.replace(path)
    by_age = sorted(path.parent.glob("*.json"), key=lambda each: each.stat().st_mtime, reverse=True)
    for old in by_age[MOST:]:
        old.unlink(missing_ok=True)
