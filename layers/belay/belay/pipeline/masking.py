"""Masks secrets in the output of builds and scripts before it goes into a message."""

import re
from typing import Final

MASK: Final = "****"

_NAME: Final = (
    r"(?:passw(?:or)?d|passwd|pwd|passphrase|secret|token|credential|cookie|"
    r"(?:api|access|account|private|shared)[_-]?key)[\w.-]{0,60}"
)
_SHORT_NAME: Final = r"(?:\b|[_.-])pass"
# Quotes may be escaped in a quoted text, such as a JSON document inside another.
_QUOTED: Final = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\\+\"[^\"\\]*"
_BASE64: Final = "[A-Za-z0-9/+]"

_SECRETS: Final = (
    # A key block ends at its footer, or where the text was cut off.
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
    (re.compile(r"(?i)([?&](?:X-Amz-(?:Signature|Credential|Security-Token)|sig|signature)=)[^&\s'\"]+"), rf"\1{MASK}"),
    # RFC 7519: three parts in base64url, the first of which begins with {" and so with eyJ.
    (re.compile(r"\beyJ[\w-]{6,4000}\.[\w-]+(?:\.[\w-]*)?"), MASK),
    (
        re.compile(r"\b(?:gh[opusr]_|github_pat_|glpat-|xox[abeprs]-|sk_live_|rk_live_|npm_|dckr_pat_|AIza)[\w-]{10,}"),
        MASK,
    ),
    (
        re.compile(rf"(?i)((?:{_NAME}|{_SHORT_NAME})(?:\\*[\"'])?\s*(?:=>|[:=])\s*)(?:{_QUOTED}|[^\s,;&]+)"),
        rf"\1{MASK}",
    ),
    (re.compile(rf"(?i)((?<![\w.-])--?[\w.-]{{0,60}}{_NAME}\s+)(?:{_QUOTED}|[^\s-]\S*)"), rf"\1{MASK}"),
    # An AWS secret access key: forty base64 characters of every kind; a hexadecimal digest has no capitals.
    (
        re.compile(rf"(?<![\w/+=])(?={_BASE64}*[A-Z])(?={_BASE64}*[a-z])(?={_BASE64}*[0-9]){_BASE64}{{40}}(?![\w/+=])"),
        MASK,
    ),
)


def masked(text: str) -> str:
    """Return a text of one or more lines with everything that looks like a secret masked.

    The value after a name that sounds like a secret is masked; so are keys, tokens and credentials of a known format
    anywhere. When in doubt, it masks. Repetitions in the patterns are bounded, so that the time for a hostile line is
    proportional to its length.
    """
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text
