"""What reports are made of: self-contained HTML without scripts.

Everything in them comes from a release, a template, a database or AWS, and is hostile until ``escaped``; nothing gets
in otherwise. A report's content security policy forbids every script, form, frame and request.
"""

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Sequence
from typing import Final

from belay.policy.verdict import Finding, Verdict

LONGEST_VALUE: Final = 2_000
_LONGEST_WORD: Final = 600
MOST_ROWS: Final = 500
_UNSHOWABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Control characters and direction overrides, which can make text look like other text."""

_STYLE: Final = """
:root{--ink:#18212c;--soft:#545f6e;--line:#dde2e8;--page:#f4f6f8;--card:#fff;--code:#eef1f4;--bad:#b0231b;
--bad-soft:#fdeceb;--warn:#855000;--warn-soft:#fcf1de;--good:#11683a;--good-soft:#e4f4ea;--cool:#1b58a4;
--cool-soft:#e7f0fa}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9eabba;--line:#29323d;--page:#10141a;--card:#171d25;
--code:#222a34;--bad:#ff8d83;--bad-soft:#391d1c;--warn:#f0bc6a;--warn-soft:#332712;--good:#74d29d;--good-soft:#13301f;
--cool:#8cbbf6;--cool-soft:#172840}}
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
Html = str
"""Text that is safe in a report."""


def document(title: str, content: Html) -> Html:
    """Return a report's page; ``content`` is safe already."""
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
    )
    return page(title, content, _STYLE, head)


def page(title: str, content: Html, style: str, head: Html = "") -> Html:
    """Return a whole page with its style sheet; ``content`` and ``head`` are safe already."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{head}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        f"{content}</main>\n</body>\n</html>\n"
    )


def digest_of(style: str) -> str:
    """Return what a content security policy names a style sheet by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}"


CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src '{digest_of(_STYLE)}'; base-uri 'none'; form-action 'none'"
)
"""What a report may do: use its own style sheet, and nothing else."""


def harmless(text: str) -> str:
    """Return a text with a mark in place of what hides text, or turns it round."""
    return _UNSHOWABLE.sub("\ufffd", text.encode(errors="replace").decode())


def escaped(value: object, longest: int = _LONGEST_WORD) -> Html:
    """Escape a value for text and quoted attributes; unprintable characters become a visible mark."""
    shown = harmless(str(value))
    if len(shown) > longest:
        shown = f"{shown[:longest]}... ({len(shown) - longest} more characters)"
    return html.escape(shown, quote=True)


def section(title: str, content: Html, note: str = "") -> Html:
    """A part of the report with its title; ``content`` is safe already."""
    said = f'<p class="soft">{escaped(note)}</p>\n' if note else ""
    return f"<section>\n<h2>{escaped(title)}</h2>\n{said}{content}</section>\n"


def listed(lines: Iterable[str]) -> Html:
    """A list."""
    return "<ul>" + "".join(f"<li>{escaped(line, LONGEST_VALUE)}</li>\n" for line in lines) + "</ul>\n"


def sentences(lines: Iterable[str]) -> Html:
    """A list of sentences."""
    return listed(f"{sentence(line).removesuffix('.')}." for line in lines)


def sentence(line: str) -> str:
    """Begin a line with a capital letter."""
    return line[:1].upper() + line[1:]


def tabulated(columns: Sequence[str], rows: Sequence[Sequence[str]], values: Sequence[int] = ()) -> Html:
    """A table that becomes a list on a narrow screen; ``values`` are the columns in a code font."""
    head = "".join(f"<th>{escaped(column)}</th>" for column in columns)
    body = []
    for row in rows[:MOST_ROWS]:
        cells = (
            f'<td data-name="{escaped(columns[number])}"{" class=value" if number in values else ""}>'
            f"{escaped(cell, LONGEST_VALUE)}</td>"
            for number, cell in enumerate(row)
        )
        body.append(f"<tr>{''.join(cells)}</tr>\n")
    more = f'<p class="soft">and {len(rows) - MOST_ROWS} more</p>\n' if len(rows) > MOST_ROWS else ""
    rows_shown = f'<table class="stacked"><tbody>\n<tr>{head}</tr>\n{"".join(body)}</tbody></table>'
    return f'<div class="scroll">{rows_shown}</div>\n{more}'


def boxed(tone: str, title: str, big: str, small: str) -> Html:
    """One of the boxes at the top."""
    shown = f'<p class="big">{escaped(big)}</p><p class="soft">{escaped(small)}</p>'
    return f'<div class="card {tone}"><h3>{escaped(title)}</h3>{shown}</div>\n'


def finding_row(finding: Finding) -> Html:
    """A policy's finding: what, where, and what to do."""
    tone = ("bad" if finding.verdict is Verdict.FAIL else "warn") if finding.counts else ""
    word = finding.verdict.value if finding.counts else "waived" if finding.waiver else "advice"
    where = f"{finding.path}:{finding.line}" if finding.line else finding.path
    waiver = f'<p class="soft">{escaped(finding.waiver)}</p>' if finding.waiver else ""
    return (
        f'<div class="row {tone}"><p><span class="tag">{escaped(word)}</span>{escaped(finding.message)}</p>'
        f'<p class="soft">{escaped(finding.policy)}, {escaped(finding.severity.value)}; <code>{escaped(where)}</code> '
        f"{escaped(finding.resource)} {escaped(finding.property)}</p><p>{escaped(finding.fix)}</p>{waiver}</div>\n"
    )
