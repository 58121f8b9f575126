import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.release.document import Number, UnreadableDocument, load_document, plain

READ: dict[str, object] = {
    "": None,
    "# nothing\n": None,
    "a: 1": {"a": Number("1")},
    "a: 012345678901": {"a": Number("012345678901")},
    "a: 1.10": {"a": Number("1.10")},
    "a: 1e3": {"a": Number("1e3")},
    "a: 1.2.3": {"a": "1.2.3"},
    "a: 0x1F": {"a": "0x1F"},
    "a: 12:30:45": {"a": "12:30:45"},
    "a: 2026-01-31": {"a": "2026-01-31"},
    "a: '1'": {"a": "1"},
    "a: true": {"a": True},
    "a: False": {"a": False},
    "a: 'true'": {"a": "true"},
    "a: yes": {"a": "yes"},
    "a: off": {"a": "off"},
    "a:": {"a": None},
    "a: ~": {"a": None},
    "a: ''": {"a": ""},
    "a: |\n  one\n  two\n": {"a": "one\ntwo\n"},
    "1: a": {"1": "a"},
    "- [a, {b: []}]": [["a", {"b": []}]],
    '{"a": [1, null, "\\u00e9", {"b": {}}]}': {"a": [Number("1"), None, "é", {"b": {}}]},
    '{\n\t"a":\t"x\\/y"\n}': {"a": "x/y"},
    "\ufeffa: b": {"a": "b"},
    "---\na: b\n...\n": {"a": "b"},
    "a: b\r\nc: d\r\n": {"a": "b", "c": "d"},
}


@pytest.mark.parametrize(("text", "value"), READ.items(), ids=[repr(text) for text in READ])
def test_what_is_read(text: str, value: object) -> None:
    assert load_document(text) == value


REFUSED = {
    "a: [b": "line 2, column 1: this is not YAML: did not find expected ',' or ']'",
    "a: b: c": "line 1, column 5: this is not YAML: mapping values are not allowed in this context",
    "a: \x07": "this is not YAML: unacceptable character #x0007: control characters are not allowed",
    "a: 1\na: 2": "line 2, column 1: duplicate key 'a'",
    "x:\n  - {a: 1, 'a': 2}": "line 2, column 12: duplicate key 'a'",
    "1: a\n'1': b": "line 2, column 1: duplicate key '1'",
    "[a]: b": "line 1, column 1: expected a key that is text, found a list",
    "{a: b}: c": "line 1, column 1: expected a key that is text, found a mapping",
    "true: c": "line 1, column 1: expected a key that is text, found true",
    "~: c": "line 1, column 1: expected a key that is text, found nothing",
    "a: &x b\nc: *x": "line 2, column 4: aliases are not allowed: write the value out",
    "a: !Ref b": "line 1, column 4: the tag '!Ref' is not allowed here",
    "a: !!python/object:os.system {}": "line 1, column 4: the tag 'tag:yaml.org,2002:python/object:os.system' is not"
    " allowed here",
    "a: !!binary aGk=": "line 1, column 4: the tag 'tag:yaml.org,2002:binary' is not allowed here",
    "a: b\n---\nc: d": "line 2, column 1: expected one document, found another",
    "[" * 33 + "]" * 33: "line 1, column 33: nested deeper than 32 levels",
    "[" * 200_000: "line 1, column 33: nested deeper than 32 levels",
    "a:\n"
    + "".join(" " * depth + "- \n" for depth in range(1, 40)): "line 33, column 33: nested deeper than 32 levels",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items(), ids=[repr(text[:30]) for text in REFUSED])
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnreadableDocument) as raised:
        load_document(text)

    assert str(raised.value).startswith(message)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**8), 10**8)
    | st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abcxyz", min_size=1), values, max_size=5), st.sampled_from([None, 2, "\t"]))
def test_json_reads_as_itself(value: object, indent: int | str | None) -> None:
    assert plain(load_document(json.dumps(value, indent=indent))) == value


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        load_document(text)
    except UnreadableDocument as refused:
        assert str(refused)  # noqa: PT017 - either end is right
