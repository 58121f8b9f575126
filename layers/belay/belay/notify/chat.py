"""Messages as Amazon Q Developer in chat applications reads them, for Slack and Microsoft Teams.

The format is AWS's custom notification, version 1.0
(https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html): messages of one ``threadId`` stand in one
thread, where the channel's preferences allow threads. The bounds here are narrower than what a chat shows of a message:
Slack cuts a block of text at 3,000 characters (https://docs.slack.dev/reference/block-kit/blocks/section-block/).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from belay.documents import parsed
from belay.errors import UnreadableRecord

_LONGEST_TITLE: Final = 200
_LONGEST_DESCRIPTION: Final = 2_400
_LONGEST_STEP: Final = 300
_LONGEST_LINK: Final = 1_500
"""Of a step with a link or a command, which is useless when it is cut."""

_MOST_STEPS: Final = 5
_MOST_LINES: Final = 8
_LONGEST_VALUE: Final = 100

_MARK: Final = {"critical": ":rotating_light:", "warning": ":warning:", "info": ":information_source:"}
_SECTIONS: Final = (
    *(("cause", "First cause"), ("evidence", "Evidence"), ("findings", "Findings"), ("changes", "Changes")),
    *(("steps", "What is being done"), ("stacks", "Stacks"), ("done", "What was done")),
)
_CONTEXT: Final = ("application", "version", "stage", "outcome", "severity", "state")
_RESERVED: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""Slack reads these as its own markup (https://docs.slack.dev/messaging/formatting-message-text/)."""


def chat_message(body: str) -> str:
    """Return what to publish for the body of a notification.

    What is not Belay's own, such as a CloudWatch alarm, is returned as it is: Amazon Q Developer knows AWS's own.
    """
    try:
        data = parsed(body, "a notification")
    except UnreadableRecord:
        return body
    if not isinstance(data, dict) or not {"kind", "thread", "subject", "text"} <= data.keys():
        return body
    return json.dumps(_notification(data), ensure_ascii=False, separators=(",", ":"))


def _notification(data: Mapping[str, Any]) -> dict[str, Any]:
    first_line = str(data["text"]).partition("\n")[0]
    context = {name: _cut(_safe(data[name]), _LONGEST_VALUE) for name in _CONTEXT if data.get(name)}
    mark = _MARK.get(str(data.get("severity")), "")
    related = [str(data[name]) for name in ("stack_id",) if data.get(name)]
    return {
        "version": "1.0",
        "source": "custom",
        "id": _cut(str(data.get("id") or data["thread"]), _LONGEST_VALUE),
        "content": {
            "textType": "client-markdown",
            "title": _cut(f"{mark} {_safe(data['subject'])}".strip(), _LONGEST_TITLE),
            "description": _description(data, first_line),
            "nextSteps": [_cut(_safe(step), _longest(step)) for step in _steps(data)],
            "keywords": list(dict.fromkeys(context[name] for name in ("application", "stage") if name in context)),
        },
        "metadata": {
            "threadId": _cut(str(data["thread"]), _LONGEST_VALUE),
            "summary": _cut(_safe(first_line), _LONGEST_STEP),
            "eventType": str(data["kind"]),
            "relatedResources": related,
            "additionalContext": context,
        },
    }


def _description(data: Mapping[str, Any], first_line: str) -> str:
    parts = [f"*{_safe(first_line)}*", _safe(str(data.get("what") or ""))]
    for name, heading in _SECTIONS:
        lines = _lines(data.get(name))
        if lines:
            shown = [f"• {_cut(_safe(line.strip()), _LONGEST_STEP)}" for line in lines[:_MOST_LINES]]
            more = [f"… and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else []
            parts.append("\n".join([f"*{heading}*", *shown, *more]))
    return _cut("\n\n".join(filter(None, parts)), _LONGEST_DESCRIPTION)


def _steps(data: Mapping[str, Any]) -> Sequence[str]:
    """What a reader may do next: what is left to do, then the commands to look closer, and as whom."""
    left = data.get("left_to_do") or []
    todos = [line for todo in left for line in (_line(todo), *map(_choice, todo.get("choices") or []))]
    look = [f"`{command}`" for command in _lines(data.get("look"))]
    return [*todos, *look, *_lines(data.get("credentials"))][:_MOST_STEPS]


def _choice(choice: Mapping[str, str | None]) -> str:
    command = f": `{choice['command']}`" if choice.get("command") else ""
    return f"{choice['what']}; {choice['loses']}{command}"


def _longest(step: str) -> int:
    return _LONGEST_LINK if "https://" in step or step.endswith("`") else _LONGEST_STEP


def _lines(value: Any) -> list[str]:
    return [_line(each) for each in (value if isinstance(value, list) else [value]) if each]


def _line(told: Any) -> str:
    """A finding, a cause or something left to do in one line; of a list of lines, the line."""
    if not isinstance(told, dict):
        return str(told)
    is_cause = "kind" in told
    names = ("what", "why") if is_cause else ("subject", "resource", "what", "why")
    line = ": ".join(str(told[name]) for name in names if told.get(name))
    return f"{line}: `{told['command']}`" if told.get("command") and not is_cause else line


def _safe(text: Any) -> str:
    return str(text).translate(_RESERVED)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
