"""Masks secrets in texts and property values before they go into a document or a message."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

MASK: Final = "****"

_NAME: Final = (
    r"(?:passw(?:or)?d|passwd|pwd|passphrase|secret|token|credential|cookie|"
    r"(?:api|access|account|private|shared)[_-]?key)[\w.-]{0,60}"
)
_SHORT_NAME: Final = r"(?:\b|[_.-])pass"
# Quotes may be escaped in a quoted text, such as a JSON document inside another.
_QUOTED: Final = r"\"(?:\\.|[^\"\\])*\"|[Nn]?'(?:\\.|[^'\\])*'|\\+\"[^\"\\]*"
_BASE64: Final = "[A-Za-z0-9/+]"


@cache
def _secrets() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the patterns with their replacements; compiled on first use, because that is slow."""
    return (
        # A key block ends at its footer, or where the text was truncated.
        (
            re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z0-9 ]*-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)", re.DOTALL),
            MASK,
        ),
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
        (re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}\b"), MASK),
        # RFC 7235: the credentials of an authorization header, whatever their scheme.
        (re.compile(r"(?i)\b((?:proxy-)?authorization[\"']?\s*[:=]\s*)[^\r\n]+"), rf"\1{MASK}"),
        (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/._~=-]{8,}"), rf"\1 {MASK}"),
        # RFC 3986, section 3.2.1: the user information of a URL.
        (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://)[^\s/@'\"]+@"), rf"\1{MASK}@"),
        # https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, and signed URLs like it.
        (
            re.compile(r"(?i)([?&](?:X-Amz-(?:Signature|Credential|Security-Token)|sig|signature)=)[^&\s'\"]+"),
            rf"\1{MASK}",
        ),
        # RFC 7519: three parts in base64url, the first of which begins with {" and so with eyJ.
        (re.compile(r"\beyJ[\w-]{6,4000}\.[\w-]+(?:\.[\w-]*)?"), MASK),
        (
            re.compile(
                r"\b(?:gh[opusr]_|github_pat_|glpat-|xox[abeprs]-|sk_live_|rk_live_|npm_|dckr_pat_|AIza)[\w-]{10,}"
            ),
            MASK,
        ),
        (
            re.compile(rf"(?i)((?:{_NAME}|{_SHORT_NAME})(?:\\*[\"'])?\s*(?:=>|[:=])\s*)(?:{_QUOTED}|[^\s,;&]+)"),
            rf"\1{MASK}",
        ),
        (re.compile(rf"(?i)((?<![\w.-])--?[\w.-]{{0,60}}{_NAME}\s+)(?:{_QUOTED}|[^\s-]\S*)"), rf"\1{MASK}"),
        # SQL sets users' passwords: IDENTIFIED BY abc, PASSWORD 'abc', PASSWORD('abc').
        (
            re.compile(
                r"(?i)\b(identified\s+(?:(?:with|via)\s+\S{1,60}\s+)?(?:by|as|using)\s+(?:(?:password|values)\b\s*)?)"
                rf"(?:{_QUOTED}|\S+)"
            ),
            rf"\1{MASK}",
        ),
        (re.compile(rf"(?i)(?<![\"'\w])(password\s*(?:\(\s*|\s))(?:{_QUOTED})"), rf"\1{MASK}"),
        # AWS's own wording of a violated constraint: Value 'abc' at 'masterUserPassword' failed to satisfy it.
        (re.compile(rf"(?i)\b(Value\s+)(?:{_QUOTED})(?=\s+at\s+['\"][\w.-]{{0,60}}{_NAME})"), rf"\1{MASK}"),
        # An AWS secret access key: forty base64 characters of every kind; a hexadecimal digest has no capitals.
        (
            re.compile(
                rf"(?<![\w/+=])(?={_BASE64}*[A-Z])(?={_BASE64}*[a-z])(?={_BASE64}*[0-9]){_BASE64}{{40}}(?![\w/+=])"
            ),
            MASK,
        ),
    )


def masked(text: str) -> str:
    """Return a text of one or more lines with everything that looks like a secret masked.

    The value after a name that sounds like a secret is masked; so are keys, tokens and credentials of a known format
    anywhere. When in doubt, it masks. Repetitions in the patterns are bounded, so that the time for a hostile line is
    proportional to its length.
    """
    for pattern, shown in _secrets():
        text = pattern.sub(shown, text)
    return text


Path = tuple[str, ...]
"""The path of a value in a resource's properties; ``*`` means any item of a list."""

_SOUNDS_SECRET: Final = re.compile(rf"(?i){_NAME}|{_SHORT_NAME}")
_NAMES_A_VALUE: Final = {"Name": "Value", "Key": "Value", "ParameterKey": "ParameterValue"}
_REFERENCE: Final = re.compile(r"\{\{(?:resolve:[^{}]*|changeSet:KNOWN_AFTER_APPLY)\}\}")
_NO_SECRET: Final = re.compile(r"arn:[^\s]*|true|false|\*{4}|")


def sounds_secret(name: str) -> bool:
    """Whether the name of a parameter, property or variable sounds like a secret's."""
    return _SOUNDS_SECRET.search(name) is not None


def is_reference(value: str) -> bool:
    """Whether a value is only a dynamic reference, which says where a secret is and not what it is."""
    return _REFERENCE.fullmatch(value) is not None


def masked_value(value: Any, secret: Iterable[Path] = (), path: Path = ()) -> Any:
    """Return a JSON value of a resource's properties at ``path``, with the values at the ``secret`` paths masked.

    The value of a name that sounds secret is masked too, unless it is an ARN or a boolean; so is what looks like a
    secret in any text. A dynamic reference is not a secret. A path that ends inside a text masks the whole text.
    """
    places = [each for each in secret if each[: len(path)] == path[: len(each)]]
    if isinstance(value, dict):
        named = next((value[name] for name in _NAMES_A_VALUE if isinstance(value.get(name), str)), "")
        beside = {_NAMES_A_VALUE[name] for name in _NAMES_A_VALUE if name in value} if sounds_secret(named) else set()
        return {
            key: masked_value(each, [*places, (*path, key)] if key in beside else places, (*path, key))
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [masked_value(each, places, (*path, "*")) for each in value]
    text = value if isinstance(value, str) else str(value)
    if value is None or is_reference(text):
        return value
    name = next((part for part in reversed(path) if part != "*"), "")
    if places or (sounds_secret(name) and not _NO_SECRET.fullmatch(text)):
        return MASK
    return masked(value) if isinstance(value, str) else value


def masked_parameter(name: str, value: str, secret: Iterable[str]) -> str:
    """Return a stack parameter's value for display; ``secret`` are the names whose values are hidden."""
    return str(masked_value(value, [(each,) for each in secret], (name,)))
