"""Intrinsic functions: an expression's possible values, and what stays unknown."""

import pytest

from belay.template.loader import load
from belay.template.nodes import MappingNode
from belay.template.resolver import items, read, resolve, settled
from belay.template.root import FUNCTIONS
from belay.template.scope import ListValue, MapValue, Scope, Value
from belay.template.sections import parameters, transforms
from belay.template.texts import as_text
from belay.template.values import NO_VALUE, Unknown
from belay.template.world import Budget, Explorer, World, explore

TEMPLATE = """
Parameters:
  Free: {Type: String}
  Fixed: {Type: String, Default: blue}
  Choice: {Type: String, AllowedValues: [red, green]}
  List: {Type: CommaDelimitedList, Default: 'a, b,c'}
  Number: {Type: Number, MinValue: 1024, MaxValue: 2048}
  Stored: {Type: AWS::SSM::Parameter::Value<String>, Default: /key}
  Answer: {Type: String, Default: yes}
  Octal: {Type: String, AllowedValues: [010], Default: 010}
  Octals: {Type: List<Number>, Default: 010}
Mappings:
  Map: {red: {Size: small}, green: {Size: large, List: [x, z]}}
  Numbers: {012: {Size: ten}}
  Regions: {eu-west-1: {Block: 10.1.0.0/16}, us-east-1: {Block: 10.2.0.0/16}}
Conditions:
  True: !Equals [a, a]
  False: !Not [!Condition True]
  IsRed: !Equals [!Ref Choice, red]
  IsFree: !Equals [!Ref Free, free]
  IsOther: !Equals [!Ref Free, other]
  Octal: !Equals [010, 8]
  Quoted: !Equals ['010', 8]
  Circle: !Or [!Condition Circle, !Condition Circle]
  Both: !And [!Condition IsFree, !Condition IsOther]
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  OpenVpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Free}}
  Self: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !GetAtt Self.CidrBlock}}
  Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: d}}
"""


def scope(expression: str, *, passed: dict[str, str] | None = None, defaults_apply: bool = True) -> Scope:
    text = f"{TEMPLATE}\n  X: {{Type: X, Properties: {{Value: {expression}}}}}\n"
    return Scope(load(text.encode(), "t.yaml"), "", passed or {}, defaults_apply, lambda path: None, FUNCTIONS)


def told(value: Value, world: World) -> object:
    if isinstance(value, ListValue):
        return [told(item, world) for item in items(value, world)]
    value = settled(value, world)
    if isinstance(value, MapValue):
        return "a table"
    return "?" if isinstance(value, Unknown) and not value.parts else as_text(value)


def values(expression: str, passed: dict[str, str] | None = None, *, defaults_apply: bool = True) -> list[object]:
    """Return the expression's values, in every branch."""
    where = scope(expression, passed=passed, defaults_apply=defaults_apply)
    resource = where.document.section("Resources").entries["X"]
    assert isinstance(resource, MappingNode)
    properties = resource.entries["Properties"]
    assert isinstance(properties, MappingNode)
    node = properties.entries["Value"]
    found = [branch.outcome for branch in explore(lambda world: told(resolve(node, where, world), world))]
    return sorted(found, key=str)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("text", ["text"]),
        ("22", ["22"]),
        ("True", ["true"]),
        ("'True'", ["True"]),
        ("!Ref Fixed", ["blue"]),
        ("!Ref Choice", ["green", "red"]),
        ("!Ref List", [["a", "b", "c"]]),
        ("!Ref AWS::NoValue", [None]),
        ("!Ref Stored", ["?"]),
        ("!Ref Free", ["?"]),
        ("!Ref AWS::Region", ["?"]),
        ("!Sub '${Fixed}-${!Literal}-${Choice}'", ["blue-${Literal}-green", "blue-${Literal}-red"]),
        ("!Sub ['${A}/${Fixed}', {A: x}]", ["x/blue"]),
        ("!Sub '${Free}/32'", ["${Free}/32"]),
        ("!Join ['-', [a, !Ref Fixed, !Ref AWS::NoValue, c]]", ["a-blue-c"]),
        ("!Join ['', !Ref List]", ["abc"]),
        ("!Join [',', [!Ref Free, b]]", ["${Free},b"]),
        ("!Select [1, !Ref List]", ["b"]),
        ("!Select ['0', [!Ref Choice, b]]", ["green", "red"]),
        ("!Select [7, [a]]", ["?"]),
        ("!Select [0, !GetAZs '']", ["?"]),
        ("!Split ['.', a.b.c]", [["a", "b", "c"]]),
        ("!Select [0, !Split ['/', 10.0.0.0/8]]", ["10.0.0.0"]),
        ("!FindInMap [Map, !Ref Choice, Size]", ["large", "small"]),
        ("!FindInMap [Map, green, List]", [["x", "z"]]),
        ("!FindInMap [Map, blue, Size]", ["?"]),
        ("!FindInMap [Map, blue, Size, {DefaultValue: none}]", ["none"]),
        ("!FindInMap [Regions, !Ref AWS::Region, Block]", ["10.1.0.0/16", "10.2.0.0/16"]),
        ("!If [True, a, b]", ["a"]),
        ("!If [False, a, b]", ["b"]),
        ("!If [IsRed, !Ref Choice, !Ref Choice]", ["green", "red"]),
        ("!If [IsFree, !Ref Free, not]", ["free", "not"]),
        ("!If [Both, never, always]", ["always", "always"]),
        ("!If [Circle, a, b]", ["a", "b"]),
        ("!If [Undefined, a, b]", ["a", "b"]),
        ("!GetAtt Vpc.CidrBlock", ["10.0.0.0/16"]),
        ("!GetAtt [Vpc, CidrBlock]", ["10.0.0.0/16"]),
        ("!GetAtt Self.CidrBlock", ["?"]),
        ("!GetAtt Nothing.Attribute", ["?"]),
        ("!Cidr [!GetAtt Vpc.CidrBlock, 2, 8]", [["10.0.0.0/24", "10.0.1.0/24"]]),
        ("!Cidr [10.0.0.0/30, 4, 8]", ["?"]),
        ("!ImportValue x", ["?"]),
        ("{'Fn::Length': !Ref List}", ["3"]),
        ("!Base64 hello", ["aGVsbG8="]),
        ("!Transform {Name: Macro}", ["?"]),
        ("{'Fn::Unheard': x}", ["?"]),
        ("'{{resolve:ssm:/x}}'", ["?"]),
        ("{a: b, c: d}", ["a table"]),
        ("~", [None]),
    ],
)
def test_expressions_come_to(expression: str, expected: list[object]) -> None:
    assert values(expression) == expected


def test_yes_and_no_are_read_both_ways() -> None:
    assert values("yes") == ["true", "yes"]
    assert values("!Ref Answer") == ["true", "yes"]
    assert values("'yes'") == ["yes"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8", ["8"]),
        ("-1", ["-1"]),
        ("010", ["010", "10", "8"]),
        ("089", ["089", "89"]),
        ("0x1F", ["0x1F", "31"]),
        ("0b11", ["0b11", "3"]),
        ("0o17", ["0o17", "15"]),
        ("1_0", ["10", "1_0"]),
        ("+1", ["+1", "1"]),
        ("-0", ["-0", "0"]),
        ("1:40", ["100", "100.0", "1:40"]),
        ("1e1", ["10", "10.0", "1e1"]),
        ("1.0", ["1", "1.0"]),
        ("1.10", ["1.1", "1.10"]),
        (".5", [".5", "0.5"]),
        ("!!int '010'", ["010", "10", "8"]),
        ("!!float 1", ["1", "1.0"]),
        ("!!str 010", ["010"]),
        ("! 010", ["010"]),
        ("'010'", ["010"]),
        ("1.2.3.4/8", ["1.2.3.4/8"]),
        ("1e99999", ["1e99999", "inf"]),
        ("0" * 400, ["?"]),
    ],
)
def test_numbers_without_quotes_are_read_in_every_way(text: str, expected: list[object]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("!Sub 010", ["010", "10", "8"]),
        ("!Join ['', [010]]", ["010", "10", "8"]),
        ("!Select [0, !Split [',', 010]]", ["010", "10", "8"]),
        ("!Select [01, [a, b]]", ["b", "b"]),
        ("!Select ['01', [a, b]]", ["b"]),
        ("!FindInMap [Numbers, 8, Size]", ["?"]),
        ("!FindInMap [Numbers, 012, Size]", ["ten", "ten", "ten"]),
        ("!FindInMap [Numbers, '10', Size]", ["ten"]),
        ("!FindInMap [Numbers, '13', Size, {DefaultValue: none}]", ["none"]),
        ("!FindInMap [Numbers, '12', Size, {DefaultValue: none}]", ["none", "none", "ten"]),
        ("!If [Octal, a, b]", ["a", "b", "b"]),
        ("!If [Quoted, a, b]", ["b"]),
        ("!Ref Octal", ["010", "10", "8"]),
        ("!Ref Octals", [["010"], ["10"], ["8"]]),
    ],
)
def test_readings_are_compared_and_joined(expression: str, expected: list[object]) -> None:
    assert values(expression) == expected


def test_a_default_is_only_one_of_the_values_where_others_may_be_passed() -> None:
    assert values("!Ref Fixed", defaults_apply=False) == ["?", "blue"]
    assert values("!Ref List", defaults_apply=False) == ["?", ["a", "b", "c"]]


def test_values_that_are_passed_decide() -> None:
    assert values("!Ref Free", {"Free": "it"}) == ["it"]
    assert values("!If [IsRed, a, b]", {"Choice": "red"}) == ["a"]
    assert values("!Ref AWS::Region", {"AWS::Region": "eu-west-1"}) == ["eu-west-1"]
    assert values("!Ref Stored", {"Stored": "/other"}) == ["?"]
    assert values("!Ref Free", {"Free": "{{resolve:ssm:/x}}"}) == ["?"]


def unknown(expression: str) -> Unknown:
    where = scope(expression)
    resource = where.document.section("Resources").entries["X"]
    assert isinstance(resource, MappingNode)
    properties = resource.entries["Properties"]
    assert isinstance(properties, MappingNode)
    outcome = next(explore(lambda world: resolve(properties.entries["Value"], where, world))).outcome
    assert isinstance(outcome, Unknown)
    return outcome


def test_unknown_values_say_why_and_how_much_is_known() -> None:
    assert unknown("!Ref Free").reason == "the parameter Free may have any value"
    assert "dynamic reference" in unknown("!Join ['', ['{{resolve:', 'ssm:/x}}']]").reason
    assert unknown("!Ref Number").bounds == (1024, 2048)
    assert unknown("!GetAtt OpenVpc.CidrBlock").prefix_bits == 16
    assert unknown("!Select [0, !Cidr [!Ref Free, 4, 8]]").prefix_bits == 8
    assert unknown("!Ref Group").key == unknown("!GetAtt Group.GroupId").key == "Group"


def test_loops_are_unrolled_everywhere() -> None:
    where = Scope(
        load(
            b"""
Resources:
  X:
    Type: X
    Properties:
      Fn::ForEach::Outer:
        - A
        - [x, z]
        - Fn::ForEach::Inner:
            - B
            - !Split [',', '1,2']
            - Key${A}&{B}: !Sub '${A}-${B}'
""",
            "t.yaml",
        ),
        "",
        {},
        True,
        lambda path: None,
        FUNCTIONS,
    )
    node = where.document.section("Resources").entries["X"]
    assert isinstance(node, MappingNode)

    def unrolled(world: World) -> dict[str, object]:
        table = resolve(node.entries["Properties"], where, world)
        assert isinstance(table, MapValue)
        found = read(table, world)
        assert isinstance(found, dict)
        return {name: as_text(value) for name, value in found.items()}

    (branch,) = explore(unrolled)
    assert branch.outcome == {"Keyx1": "x-1", "Keyx2": "x-2", "Keyz1": "z-1", "Keyz2": "z-2"}


def test_no_value_is_no_entry() -> None:
    assert values("!If [False, a, !Ref AWS::NoValue]") == [as_text(NO_VALUE)]


def test_exploring_gives_up_and_says_so() -> None:
    many = list(explore(lambda world: [world.choose(number, (True, False)) for number in range(20)]))
    assert many[-1].given_up
    assert many[-1].outcome is None
    assert "more combinations" in many[-1].reason


def test_one_world_serves_computations_that_ask_nothing() -> None:
    explorer = Explorer(Budget())
    seen: list[World] = []

    def notes(world: World) -> int:
        seen.append(world)
        return 1

    def asks(world: World) -> bool:
        seen.append(world)
        return world.choose("question", (True, False))

    for _ in range(2):
        assert [branch.outcome for branch in explorer.explore(notes)] == [1]
    assert seen[0] is seen[1]
    assert [(branch.guard, branch.outcome) for branch in explorer.explore(asks)] == [
        ({"question": True}, True),
        ({"question": False}, False),
    ]
    assert [branch.guard for branch in explorer.explore(lambda _: 1)] == [{}]


def test_an_explorer_gives_up_as_exploring_does() -> None:
    def runs_out(world: World) -> None:
        world.budget.spend(1_000_000)

    (branch,) = Explorer(Budget()).explore(runs_out)
    assert branch.given_up


def test_parameters_and_transforms_are_listed() -> None:
    document = load(
        b"""
Transform: [AWS::Serverless-2016-10-31, Rewriter]
Parameters: {A: {Type: String}, B: {Type: String, Default: ""}}
Resources:
  X: {Type: X, Properties: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://b/k}}}}
  Y: !Transform {Name: Rewriter}
  Z: !Transform {Name: !Ref A}
""",
        "t.yaml",
    )
    assert parameters(document) == {"A": False, "B": True}
    assert transforms(document) == ("AWS::Serverless-2016-10-31", "Rewriter", "AWS::Include", "?")
