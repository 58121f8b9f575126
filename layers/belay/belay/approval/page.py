"""The report for approvers: one self-contained HTML file without scripts.

Everything in it comes from a release, a template or AWS, and is hostile until ``escaped``; nothing gets in otherwise.
The page's content security policy forbids every script, form, frame and request.
"""

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from belay.approval.request import ApprovalRequest, PlannedChange, in_utc
from belay.policy.verdict import Finding, Verdict
from belay.rollback.rehearsal import Readiness
from belay.stack.change_set import Change, Detail, fate

_LONGEST_VALUE: Final = 2_000
_LONGEST_WORD: Final = 600
_MOST_ROWS: Final = 500
_UNSHOWABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Control characters and direction overrides, which can make text look like other text."""

_STYLE: Final = """
:root{--ink:#1b2430;--soft:#5a6675;--line:#dde3ea;--page:#f4f6f9;--card:#fff;--code:#eef1f5;
--bad:#b42318;--bad-soft:#fdeceb;--warn:#9a5b00;--warn-soft:#fdf3e1;--good:#12693b;--good-soft:#e6f5ec;--cool:#1f5fae;
--cool-soft:#e8f0fa}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa7b6;--line:#2d3743;--page:#12171d;--card:#1a2129;
--code:#232c36;--bad:#ff8f85;--bad-soft:#3a1d1b;--warn:#f2bd67;--warn-soft:#352813;--good:#71d29b;--good-soft:#14301f;
--cool:#8abaf5;--cool-soft:#172a41}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;color-scheme:light dark}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.25rem 1rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:.25rem 0}
h2{font-size:1.1rem;margin:2.25rem 0 .6rem}
p{margin:.4rem 0}
.soft{color:var(--soft)}
code,pre,.value{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86em}
code{background:var(--code);border-radius:.25rem;padding:.1em .35em;overflow-wrap:anywhere}
pre{background:var(--code);border-radius:.5rem;padding:.8rem 1rem;margin:.5rem 0;overflow-x:auto;white-space:pre-wrap;
overflow-wrap:anywhere}
.stages{display:flex;flex-wrap:wrap;list-style:none;margin:1rem 0 0;padding:0;gap:.4rem 0;font-size:.92rem}
.stages li{display:flex;align-items:center;border:1px solid var(--line);background:var(--card);border-radius:2rem;
padding:.15rem .8rem}
.stages li+li{margin-left:1.6rem;position:relative}
.stages li+li::before{content:"";position:absolute;left:-1.6rem;width:1.6rem;border-top:2px solid var(--line)}
.stages .here{border-color:var(--cool);background:var(--cool-soft);color:var(--cool);font-weight:600}
.stages .later{color:var(--soft);border-style:dashed}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.7rem;margin:1.2rem 0}
.card{background:var(--card);border:1px solid var(--line);border-top:4px solid var(--line);border-radius:.6rem;
padding:.7rem .9rem}
.card h3{margin:0;font-size:.78rem;font-weight:600;letter-spacing:.04em;text-transform:uppercase;color:var(--soft)}
.card p{margin:.15rem 0 0;overflow-wrap:anywhere}
.card .big{font-size:1.15rem;font-weight:650}
.bad{--tone:var(--bad);--tone-soft:var(--bad-soft)}.warn{--tone:var(--warn);--tone-soft:var(--warn-soft)}
.good{--tone:var(--good);--tone-soft:var(--good-soft)}.cool{--tone:var(--cool);--tone-soft:var(--cool-soft)}
.card.bad,.card.warn,.card.good,.card.cool{border-top-color:var(--tone)}
.card .big{color:var(--tone,inherit)}
.row{background:var(--card);border:1px solid var(--line);border-left:5px solid var(--tone,var(--line));
border-radius:.5rem;margin:.5rem 0;padding:.55rem .9rem}
.row>p{margin:.1rem 0;overflow-wrap:anywhere}
.tag{display:inline-block;background:var(--tone-soft,var(--code));color:var(--tone,var(--soft));border-radius:.3rem;
padding:.05em .5em;font-size:.82rem;font-weight:650;margin-right:.4rem}
.loud{color:var(--bad);font-weight:650}
details{margin:.35rem 0 .2rem}
summary{cursor:pointer;color:var(--cool);font-size:.92rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.4rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line);
overflow-wrap:break-word}
tr:last-child td{border-bottom:0}
th{font-size:.78rem;color:var(--soft);font-weight:600}
td.value{white-space:pre-wrap;overflow-wrap:anywhere;min-width:7rem}
ul{margin:.3rem 0;padding-left:1.2rem}
li{margin:.2rem 0}
@media print{body{background:#fff}.row,.card{break-inside:avoid}}
@media (max-width:34rem){.stages li+li{margin-left:1rem}.stages li+li::before{left:-1rem;width:1rem}
table.stacked,table.stacked tbody,table.stacked tr,table.stacked td{display:block}
table.stacked tr:first-child,table.stacked td:empty{display:none}table.stacked td{border:0;padding:.1rem 0}
table.stacked tr{border-bottom:1px solid var(--line);padding:.4rem 0}
table.stacked td[data-name]::before{content:attr(data-name) ": ";color:var(--soft);font-family:system-ui,sans-serif}}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
)
"""What the page may do: use its own style sheet, and nothing else."""

Html = str


def render(request: ApprovalRequest) -> Html:
    """Return the whole report."""
    release = request.sealed.release
    title = f"{release.application} {release.version} in {request.stage.name}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>Approve {escaped(title)}?</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{_head(request)}{_cards(request)}{_changes(request)}{_policies(request)}{_parameters(request)}"
        f"{_section('Databases', _sentences(request.database_lines))}"
        f"{_section('Rollback', _sentences(request.rollback_lines))}"
        f"{_section('While it waits', _sentences(request.waiting_lines))}"
        f"{_answer(request)}{_seal(request)}</main>\n</body>\n</html>\n"
    )


def escaped(value: object, longest: int = _LONGEST_WORD) -> Html:
    """Escape a value for text and quoted attributes; unprintable characters become a visible mark."""
    shown = _UNSHOWABLE.sub("\ufffd", str(value).encode(errors="replace").decode())
    if len(shown) > longest:
        shown = f"{shown[:longest]}... ({len(shown) - longest} more characters)"
    return html.escape(shown, quote=True)


def _section(title: str, content: Html, note: str = "") -> Html:
    said = f'<p class="soft">{escaped(note)}</p>\n' if note else ""
    return f"<section>\n<h2>{escaped(title)}</h2>\n{said}{content}</section>\n"


def _list(lines: Iterable[str]) -> Html:
    return "<ul>" + "".join(f"<li>{escaped(line, _LONGEST_VALUE)}</li>\n" for line in lines) + "</ul>\n"


def _sentences(lines: Iterable[str]) -> Html:
    return _list(f"{_sentence(line).removesuffix('.')}." for line in lines)


def _sentence(line: str) -> str:
    return line[:1].upper() + line[1:]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], values: Sequence[int] = ()) -> Html:
    """A table that becomes a list on a narrow screen; ``values`` are the columns in a code font."""
    head = "".join(f"<th>{escaped(column)}</th>" for column in columns)
    body = []
    for row in rows[:_MOST_ROWS]:
        cells = (
            f'<td data-name="{escaped(columns[number])}"{" class=value" if number in values else ""}>'
            f"{escaped(cell, _LONGEST_VALUE)}</td>"
            for number, cell in enumerate(row)
        )
        body.append(f"<tr>{''.join(cells)}</tr>\n")
    more = f'<p class="soft">and {len(rows) - _MOST_ROWS} more</p>\n' if len(rows) > _MOST_ROWS else ""
    table = f'<table class="stacked"><tbody>\n<tr>{head}</tr>\n{"".join(body)}</tbody></table>'
    return f'<div class="scroll">{table}</div>\n{more}'


def _head(request: ApprovalRequest) -> Html:
    release, stage = request.sealed.release, request.stage
    description = request.sealed.accepted.manifest.description
    stages = request.sealed.accepted.application.stages
    here = stages.index(stage.name)
    way = "".join(
        f'<li class="{"here" if number == here else "later" if number > here else "done"}">{escaped(name)}'
        f"{', asks for approval' if number == here else ' passed' if number < here else ''}</li>\n"
        for number, name in enumerate(stages)
    )
    return (
        f'<p class="soft">Approval asked for on {escaped(in_utc(request.asked_at))}</p>\n'
        f"<h1>{escaped(release.application)} {escaped(release.version)} in {escaped(stage.name)}</h1>\n"
        f"<p>{escaped(request.what)}</p>\n"
        + (f'<p class="soft">{escaped(description, _LONGEST_VALUE)}</p>\n' if description else "")
        + f'<ol class="stages">\n{way}</ol>\n'
    )


def _cards(request: ApprovalRequest) -> Html:
    risk = min((each.change.risk for each in request.changes), default=len(_TONES))
    counts = ", ".join(f"{count} {kind}" for kind, count in request.counts.items()) or "None yet"
    lost = f"Data may be lost in {len(request.lost)}" if request.lost else "No data is lost"
    verdict = _VERDICTS[request.verdict]
    rehearsal = request.rehearsal
    ready = ("warn", "Not rehearsed") if rehearsal is None else _READINESS[rehearsal.readiness]
    database = request.sealed.accepted.manifest.database
    cards = (
        (_tone(risk), "Resources", counts, lost),
        (verdict[0], "Policies", request.verdict.value, verdict[1]),
        (ready[0], "Rollback", ready[1], f"{len(rehearsal.reasons)} to read below" if rehearsal else "See below"),
        (
            "warn" if database else "good",
            "Database",
            "Changes declared" if database else "No changes declared",
            f"{len(request.stage.databases)} registered",
        ),
        ("cool", "Answer until", in_utc(request.expires_at), "then it ends ABORTED"),
    )
    return '<div class="cards">\n' + "".join(_card(*card) for card in cards) + "</div>\n"


def _card(tone: str, title: str, big: str, small: str) -> Html:
    shown = f'<p class="big">{escaped(big)}</p><p class="soft">{escaped(small)}</p>'
    return f'<div class="card {tone}"><h3>{escaped(title)}</h3>{shown}</div>\n'


_TONES: Final = ("bad", "bad", "bad", "warn", "warn", "warn", "cool", "cool")
"""The tone of a change by its risk; a pure addition is good."""

_VERDICTS: Final[Mapping[Verdict, tuple[str, str]]] = {
    Verdict.PASS: ("good", "No findings"),
    Verdict.REVIEW: ("warn", "For you to decide, see below"),
    Verdict.FAIL: ("bad", "A policy is violated"),
}
_READINESS: Final[Mapping[Readiness, tuple[str, str]]] = {
    Readiness.READY: ("good", "Ready"),
    Readiness.NOT_KNOWN: ("warn", "Not known"),
    Readiness.NOT_READY: ("bad", "NOT ready"),
}


def _tone(risk: int) -> str:
    return _TONES[risk] if risk < len(_TONES) else "good"


def _changes(request: ApprovalRequest) -> Html:
    shown = "".join(_change(each) for each in request.changes[:_MOST_ROWS])
    more = len(request.changes) - _MOST_ROWS
    rest = [*request.unplanned, *([f"and {more} more changes of lower risk"] if more > 0 else [])]
    return _section("Changes", shown + (_list(rest) if rest else ""), "The riskiest first.")


def _change(planned: PlannedChange) -> Html:
    change = planned.change
    loss = fate(change).removeprefix("; ")
    told = f'<p class="{"loud" if change.loses_data else "soft"}">{escaped(_sentence(loss))}.</p>' if loss else ""
    where = f"in {escaped(planned.stack)}" + (f", today {escaped(change.physical_id)}" if change.physical_id else "")
    return (
        f'<div class="row {_tone(change.risk)}"><p><span class="tag">{escaped(_sentence(change.verb))}</span>'
        f"<code>{escaped(planned.path)}</code> {escaped(change.resource_type)}</p>"
        f'<p class="soft">{where}</p>{told}{_details(change)}</div>\n'
    )


def _details(change: Change) -> Html:
    """The properties that change, with their values; all known ones for a new or deleted resource."""
    if change.details:
        rows = [[_property(each), each.before or "", each.after or "", _needs(each)] for each in change.details]
        table = _table(("property", "before", "after", "what it needs"), rows, values=(1, 2))
        count = "1 property" if len(rows) == 1 else f"{len(rows)} properties"
        return f"<details{' open' if change.risk <= _OPEN else ''}><summary>{count}</summary>{table}</details>"
    context = change.after or change.before
    if not context:
        return ""
    return f"<details><summary>description</summary><pre>{escaped(context, _LONGEST_VALUE)}</pre></details>"


_OPEN: Final = 4
"""The risks whose properties are expanded by default: deleted or replaced resources."""


def _property(detail: Detail) -> str:
    if detail.path:
        return detail.path.removeprefix("/Properties/")
    return detail.name or detail.attribute


def _needs(detail: Detail) -> str:
    needs = {"Always": "a replacement", "Conditionally": "maybe a replacement"}.get(detail.requires_recreation, "")
    because = f"because of {detail.causing_entity}" if detail.causing_entity else ""
    return ", ".join(filter(None, (needs, because)))


def _policies(request: ApprovalRequest) -> Html:
    rows = "".join(_finding(each) for each in request.findings[:_MOST_ROWS])
    checked = sorted({policy for _, each in (*request.static.checked, *request.planned.checked) for policy in each})
    count = f"{len(checked)} policies checked" if len(checked) != 1 else "1 policy checked"
    listed = f"<details><summary>{count}</summary><p>{escaped(', '.join(checked), _LONGEST_VALUE)}</p></details>\n"
    return _section(
        "Policies",
        (rows or "<p>No findings.</p>\n") + listed,
        f"{request.static.verdict} for the templates, {request.planned.verdict} for the change sets.",
    )


def _finding(finding: Finding) -> Html:
    tone = ("bad" if finding.verdict is Verdict.FAIL else "warn") if finding.counts else ""
    word = finding.verdict.value if finding.counts else "waived" if finding.waiver else "advice"
    where = f"{finding.path}:{finding.line}" if finding.line else finding.path
    waiver = f'<p class="soft">{escaped(finding.waiver)}</p>' if finding.waiver else ""
    return (
        f'<div class="row {tone}"><p><span class="tag">{escaped(word)}</span>{escaped(finding.message)}</p>'
        f'<p class="soft">{escaped(finding.policy)}, {escaped(finding.severity.value)}; <code>{escaped(where)}</code> '
        f"{escaped(finding.resource)} {escaped(finding.property)}</p><p>{escaped(finding.fix)}</p>{waiver}</div>\n"
    )


def _parameters(request: ApprovalRequest) -> Html:
    """The values that may be shown: see ``stack.shown``."""
    parts = []
    for stack in request.sealed.plan.stacks:
        change_set = request.sealed.change_sets.get(stack.stack)
        if change_set is None or not change_set.parameters:
            continue
        rows = [
            [name, value, change_set.resolved.get(name, "")] for name, value in sorted(change_set.parameters.items())
        ]
        table = _table(("parameter", "value", "read from Parameter Store"), rows, values=(1, 2))
        summary = f"{escaped(stack.stack)}: {len(rows)} parameters"
        parts.append(f"<details><summary>{summary}</summary>{table}</details>\n")
    return _section("Parameters", "".join(parts) or "<p>No changed stack has parameters.</p>\n")


def _answer(request: ApprovalRequest) -> Html:
    commands = escaped("\n".join(request.commands), _LONGEST_VALUE)
    note = "You cannot answer on this page. Answer with the command, signed with your own credentials:"
    return _section("Your answer", f"<pre>{commands}</pre>\n", note)


def _seal(request: ApprovalRequest) -> Html:
    rows = [[name, digest] for name, digest in request.seal.parts.items()]
    note = (
        "An approval covers exactly this. The seal is computed again before anything is changed; if it differs, "
        "the release ends ABORTED."
    )
    digest = f"<p>Sealed as <code>{escaped(request.seal.digest)}</code></p>\n"
    table = _table(("part", "SHA-256"), rows, values=(1,))
    open_ones = _list(request.unsealed_lines) if request.unsealed else ""
    parts = f"<details><summary>its {len(rows)} parts</summary>{table}</details>\n"
    return _section("The seal", f"{digest}{open_ones}{parts}", note)
