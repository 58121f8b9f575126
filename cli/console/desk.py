"""What every page of the console starts from: the Belay stack, the clock, the templates, what is registered."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request

from belay.approval.elements import harmless
from belay.aws.clock import now
from belay.control.registrations import ReadRegistrations
from cli.account import Account
from cli.console.door import Keys
from cli.output import ago, at, duration

HERE: Final = Path(__file__).parent
_REGISTERED_FOR: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class Shown:
    """What a view answers: a template and what it shows. ``live`` pages are shown again when that changes."""

    template: str
    title: str
    context: Mapping[str, Any]
    live: bool = True
    status: int = 200


@dataclass
class Desk:
    """A console at work."""

    belay: Account
    keys: Keys
    clock: Callable[[], datetime] = now
    look_every: float = 2.0
    """Seconds between two looks at what a live page shows."""
    _registered: tuple[datetime, ReadRegistrations] | None = None
    _told: dict[str, str] = field(default_factory=dict)
    _reading: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.templates = _environment(self.clock)

    def registered(self) -> ReadRegistrations:
        """Return what operators registered, read again after half a minute: it takes a call for ten parameters."""
        with self._reading:
            if self._registered is None or self.clock() - self._registered[0] > _REGISTERED_FOR:
                self._registered = self.clock(), self.belay.registrations.read()
            return self._registered[1]

    def stages(self, application: str) -> list[str]:
        """Return an application's stages in order."""
        return [each.name for each in self.registered().stages if each.application == application]

    def tell(self, said: str) -> str:
        """Keep a sentence for the page that is shown next, and return the name under which it finds it."""
        name = secrets.token_urlsafe(8)
        self._told[name] = said
        return name

    def render(self, shown: Shown, request: Request) -> tuple[str, str]:
        """Return a page, and the digest of what is in it."""
        where = {"stack": self.belay.stack, "region": self.belay.region, "path": request.url.path}
        context = {**shown.context, **where, "title": shown.title, "form_key": self.keys.form}
        main = self.templates.get_template(shown.template).render(context)
        digest = hashlib.sha256(main.encode()).hexdigest()[:16]
        told = self._told.get(request.query_params.get("told", ""), "")
        page = self.templates.get_template("page.html").render(
            context, main=Markup(main), digest=digest, told=told, live=shown.live
        )
        return page, digest


def _environment(clock: Callable[[], datetime]) -> Environment:
    """Return the templates. Everything they show is escaped, and has a mark in place of what hides or turns text."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "at": at,
        "clock": lambda time: time[11:19] if time else "",
        "day": lambda time: time[:10] if time else "",
        "ago": lambda time: ago(datetime.fromisoformat(time), clock()),
        "took": lambda began, ended: ago(datetime.fromisoformat(began), datetime.fromisoformat(ended)),
        "lasting": lambda seconds: duration(timedelta(seconds=seconds)),
        "opening": lambda moment: f"{moment:%Y-%m-%d %H:%M} UTC",
        "indented": lambda document: json.dumps(document, indent=1, ensure_ascii=False),
        "segment": lambda text: quote(str(text), safe=""),
    }
    made.globals["now"] = clock
    return made


def _finalized(value: object) -> object:
    return value if isinstance(value, Markup) else harmless("" if value is None else str(value))
