"""Reading templates: one tree for YAML and JSON, positions, and what is refused."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.errors import UnreadableTemplate
from belay.template.limits import MAX_BYTES, MAX_DEPTH, MAX_NODES
from belay.template.loader import load
from belay.template.nodes import MappingNode, Node, ScalarNode, SequenceNode


def plain(node: Node) -> object:
    if isinstance(node, ScalarNode):
        return node.text
    if isinstance(node, MappingNode):
        return {key: plain(value) for key, value in node.entries.items()}
    return [plain(item) for item in node.items]


def read(text: str) -> object:
    return plain(load(text.encode(), "t.yaml").root)


def value(text: str) -> object:
    tree = read(f"Resources: {{}}\nX: {text}\n")
    assert isinstance(tree, dict)
    return tree["X"]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref A", {"Ref": "A"}),
        ("!Condition A", {"Condition": "A"}),
        ("!GetAtt A.B", {"Fn::GetAtt": "A.B"}),
        ("!Sub '${A}-b'", {"Fn::Sub": "${A}-b"}),
        ("!Join ['', [a, !Ref B]]", {"Fn::Join": ["", ["a", {"Ref": "B"}]]}),
        ("!If [A, {x: 1}, !Ref 'AWS::NoValue']", {"Fn::If": ["A", {"x": "1"}, {"Ref": "AWS::NoValue"}]}),
        ("!Transform {Name: AWS::Include}", {"Fn::Transform": {"Name": "AWS::Include"}}),
        ("!!str 22", "22"),
        ("! plain", "plain"),
    ],
)
def test_short_tags_become_their_long_forms(short: str, long: object) -> None:
    assert value(short) == long


def test_json_and_yaml_give_the_same_tree() -> None:
    tree = {"Resources": {"A": {"Type": "T", "Properties": {"L": ["1", "b", {"c": "ü😀/"}], "E": {}, "N": []}}}}
    as_json = load(json.dumps(tree, ensure_ascii=True).encode(), "t.json")
    as_yaml = load(
        b"Resources:\n  A:\n    Type: T\n    Properties: {L: [1, b, {c: '\xc3\xbc\xf0\x9f\x98\x80/'}], E: {}, N: []}",
        "t.yaml",
    )
    assert plain(as_json.root) == plain(as_yaml.root) == tree


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("Resources:\n  A:\n    Type: here\n", (3, 11)),
        ('{\n "Resources": {\n  "A": {"Type": "here"}}}', (3, 17)),
        ("{Resources: {A: {Type: here}}}", (1, 24)),
    ],
)
def test_every_node_knows_its_place(text: str, where: tuple[int, int]) -> None:
    resource = load(text.encode(), "t").section("Resources").entries["A"]
    assert isinstance(resource, MappingNode)
    node = resource.entries["Type"]
    assert (node.line, node.column) == where


def test_aliases_and_merge_keys_are_followed() -> None:
    text = "Resources:\n  A: &a {x: 1, y: 2}\n  B: *a\n  C: {<<: *a, y: 3}\n  D: {<<: [{z: 4}, *a]}\n"
    assert read(text) == {
        "Resources": {
            "A": {"x": "1", "y": "2"},
            "B": {"x": "1", "y": "2"},
            "C": {"y": "3", "x": "1"},
            "D": {"z": "4", "x": "1", "y": "2"},
        }
    }


def test_quotes_are_remembered() -> None:
    root = load(b"Resources: {A: 'true', B: true}", "t").section("Resources")
    quoted, unquoted = root.entries["A"], root.entries["B"]
    assert isinstance(quoted, ScalarNode)
    assert isinstance(unquoted, ScalarNode)
    assert (quoted.plain, unquoted.plain) == (False, True)


def test_byte_order_mark_is_dropped() -> None:
    assert plain(load(b"\xef\xbb\xbfResources: {}", "t").root) == {"Resources": {}}


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 2 * MAX_DEPTH))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty file"),
        ("just a text", "found no mapping"),
        ("[]", "found no mapping"),
        ("{}", "a template with Resources"),
        ("Parameters: {}\n", "found Parameters"),
        ("Resources: []\n", "t:1:12: expected Resources to be a mapping"),
        ("Resources: {}\nResources: {}\n", "t:2:1: expected each key once, found 'Resources' again"),
        ('{"Resources": {},\n "Resources": {}}', "t:2:2: expected each key once"),
        ("Resources: {A: 1, A: 2}", "t:1:19: expected each key once"),
        (f"{BOMB}Resources: {{}}\n", "nodes with aliases"),
        (f"Resources: [{'[],' * MAX_NODES}]", "nodes with aliases"),
        (f'{{"Resources": [{"1," * MAX_NODES}1]}}', f"expected at most {MAX_NODES:,} nodes"),
        (f"{CHAIN}Resources: {{}}\n", "levels of nesting with aliases"),
        ("Resources: &a {A: *a}\n", "*a, which names itself"),
        ("Resources: {A: *a}\n", "*a, which names nothing"),
        ("Resources: " + "[" * 1000, "levels of nesting"),
        ('{"Resources": ' + "[" * 1000, "levels of nesting"),
        ("Resources: {}\n---\nResources: {}\n", "t:2:1: expected one YAML document"),
        ("Resources: {A: !!binary aGk=}\n", "a tag that CloudFormation knows"),
        ("Resources: {A: !<tag:example.org,2000:x> y}\n", "a tag that CloudFormation knows"),
        ("Resources: {? {a: b} : c}\n", "a text as key"),
        ("x: &x y\nResources: {*x : c}\n", "a text as key"),
        ("Resources: {!Ref a: c}\n", "a plain key"),
        ("Resources: {<<: text}\n", "<< to merge a mapping"),
        ("Resources: {A: 'open\n", "expected YAML"),
        ("Resources: {A: [}\n", "t:1:17"),
        ('{"Resources": {"A": 1,}, "B" 2}', "expected YAML"),
    ],
)
def test_what_is_no_template_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UnreadableTemplate) as refused:
        load(text.encode(), "t")
    assert message in str(refused.value)
    assert str(refused.value).startswith("t")


@pytest.mark.parametrize("data", [b"Resources: \xff\xfe", b'{"Resources": "\xff"}', b"Resources: \x00"])
def test_other_bytes_than_utf_8_text_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableTemplate):
        load(data, "t")


def test_too_many_bytes_are_refused_before_they_are_read() -> None:
    with pytest.raises(UnreadableTemplate, match="expected at most"):
        load(b"[" * (MAX_BYTES + 1), "t")


@given(st.binary(max_size=200) | st.text(alphabet="{}[]:,&*!<>|'\"\n -aR0", max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(UnreadableTemplate):
        assert "Resources" in load(data, "t").root.entries


TREES: st.SearchStrategy[object] = st.recursive(
    st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=5), TREES, max_size=4))
def test_json_is_read_as_the_standard_library_reads_it(resources: dict[str, object]) -> None:
    tree = {"Resources": resources}
    assert plain(load(json.dumps(tree).encode(), "t").root) == tree
    assert plain(load(json.dumps(tree, ensure_ascii=False, indent=2).encode(), "t").root) == tree


def test_lists_keep_their_order() -> None:
    node = load(b"Resources: {A: [c, a, b]}", "t").section("Resources").entries["A"]
    assert isinstance(node, SequenceNode)
    assert plain(node) == ["c", "a", "b"]
