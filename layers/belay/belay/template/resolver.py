"""Evaluating CloudFormation's intrinsic functions in one world.

:func:`resolve` gives the value of an expression, :func:`holds` the truth of a condition. Both ask their
:class:`~belay.template.world.World` about what the template leaves open, so :func:`~belay.template.world.explore` finds
every value with its conditions.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from belay.errors import UnreadableTemplate
from belay.template.nodes import NULLS, Mapping, Node, Scalar, Sequence
from belay.template.release_files import release_file
from belay.template.scope import Scope
from belay.template.subnets import subnets
from belay.template.values import NO_VALUE, Lazy, NoValue, Row, Table, Unknown, Value
from belay.template.world import TooManyStepsError, World

MAX_TEXT = 65_536
MAX_PARTS = 256
MAX_NESTING = 8
"""Levels of nested stacks that are followed."""

LOOP = "Fn::ForEach::"
TRANSFORM = "Fn::Transform"
DYNAMIC_REFERENCE = "{{resolve:"
PLACEHOLDER = re.compile(r"\$\{([^${}]*)\}")

# Plain words that are no texts. YAML 1.1 reads yes and no as booleans, YAML 1.2 as texts: both readings are followed.
TRUE_WORDS = [form for word in ("true",) for form in (word, word.title(), word.upper())]
FALSE_WORDS = [form for word in ("false",) for form in (word, word.title(), word.upper())]
YES_WORDS = [form for word in ("yes", "on", "y") for form in (word, word.title(), word.upper())]
NO_WORDS = [form for word in ("no", "off", "n") for form in (word, word.title(), word.upper())]
WORDS: dict[str, tuple[str | NoValue, ...]] = {
    **{word: (NO_VALUE,) for word in NULLS},
    **{word: ("true",) for word in TRUE_WORDS},
    **{word: ("false",) for word in FALSE_WORDS},
    **{word: ("true", word) for word in YES_WORDS},
    **{word: ("false", word) for word in NO_WORDS},
}
"""What a plain word may be read as."""

STACK_TYPES = frozenset({"AWS::CloudFormation::Stack", "AWS::Serverless::Application"})
VPC_BITS = 16
"""A VPC's IPv4 block is a /16 or smaller. Source: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""
VPC_BITS_V6 = 84
"""A VPC's IPv6 block is a /44 or smaller. Source: the same page."""


def resolve(node: Node, scope: Scope, world: World) -> Value:
    """Return the value of an expression in this world."""
    if isinstance(node, Scalar):
        return _literal(node, scope, world)
    if isinstance(node, Sequence):
        world.budget.spend(len(node.items))
        return Row(tuple([Lazy(item, scope) for item in node.items]))
    world.budget.spend()
    if len(node.entries) == 1:
        ((name, argument),) = node.entries.items()
        function = FUNCTIONS.get(name)
        if function is not None:
            return function(argument, scope, world)
        if name.startswith("Fn::") and not name.startswith(LOOP):
            return _unknown_at(node, scope, f"{name} is not evaluated")
    return Table(node, scope)


def force(value: Value | Lazy, world: World) -> Value:
    """Return the value of what may still be unresolved."""
    return resolve(value.node, value.scope, world) if isinstance(value, Lazy) else value


def entries(table: Table, world: World) -> dict[str, Lazy] | Unknown:
    """Return a mapping's entries with its loops expanded; unknown where a macro may put in more."""
    raw = table.node.entries
    if table.node.has_literal_keys:
        return {name: Lazy(node, table.scope) for name, node in raw.items()}
    found: dict[str, Lazy] = {}
    for name, node in raw.items():
        if name.startswith(LOOP):
            found.update(_rounds(node, table.scope, world))
        elif name.startswith("Fn::"):
            return _unknown_at(table.node, table.scope, f"{name} may put anything here when it is deployed")
        else:
            found[name] = Lazy(node, table.scope)
    return found


def read(table: Table, world: World) -> dict[str, Value] | Unknown:
    """Return the values of a mapping's entries, without those that are AWS::NoValue."""
    if table.node.has_literal_keys:
        scope = table.scope
        values = {name: resolve(node, scope, world) for name, node in table.node.entries.items()}
    else:
        found = entries(table, world)
        if isinstance(found, Unknown):
            return found
        values = {name: force(lazy, world) for name, lazy in found.items()}
    if NO_VALUE in values.values():
        return {name: value for name, value in values.items() if value is not NO_VALUE}
    return values


def get(table: Table, name: str, world: World) -> Value:
    """Return one entry of a mapping; :data:`NO_VALUE` where it is not there."""
    if table.node.has_literal_keys:
        node = table.node.entries.get(name)
        return NO_VALUE if node is None else resolve(node, table.scope, world)
    found = entries(table, world)
    if isinstance(found, Unknown):
        return found
    return force(found[name], world) if name in found else NO_VALUE


def holds(name: str, scope: Scope, world: World) -> bool:
    """Return whether a condition of the template holds in this world."""
    key = ("condition", scope.key(name))
    if key in world.memo:
        return bool(world.memo[key])
    found = entries(Table(scope.document.section("Conditions"), scope), world)
    if isinstance(found, Unknown) or name not in found or key in world.active:
        return world.choose(key, (True, False))
    world.active.add(key)
    answer = _truth(found[name].node, found[name].scope, world)
    world.active.discard(key)
    world.memo[key] = answer
    return answer


def resource(name: str, scope: Scope, world: World) -> Table | None:
    """Return the body of a resource of the template; ``None`` where it has none of this name, or none to be read."""
    node = scope.document.section("Resources").entries.get(name)
    if isinstance(node, Mapping):
        return Table(node, scope)
    found = entries(Table(scope.document.section("Resources"), scope), world)
    if isinstance(found, Unknown) or name not in found:
        return None
    body = found[name]
    return Table(body.node, body.scope) if isinstance(body.node, Mapping) else None


def resource_type(body: Table) -> str | None:
    """Return a resource's type; ``None`` where it is no literal text."""
    node = body.node.entries.get("Type")
    if not isinstance(node, Scalar):
        return None
    text = _unroll(node.text, body.scope)
    return text if isinstance(text, str) else None


def properties(body: Table, world: World) -> Table | Unknown:
    """Return a resource's properties; an empty table where it has none."""
    value = get(body, "Properties", world)
    if isinstance(value, (Table, Unknown)):
        return value
    return Table(Mapping({}, body.node.line, body.node.column), body.scope)


def child_stack(name: str, body: Table, world: World) -> Scope | Unknown:
    """Return the scope of a nested stack whose template is a file of the release; unknown where it is none."""
    scope = body.scope
    path = scope.key(name)
    given = properties(body, world)
    if isinstance(given, Unknown):
        return given
    kind = resource_type(body)
    url = get(given, "TemplateURL" if kind == "AWS::CloudFormation::Stack" else "Location", world)
    shown = as_text(url)
    if shown is None:
        return _unknown_at(body.node, scope, "where its template lies is not told")
    bucket, prefix = scope.release
    file = release_file(shown, parent=scope.document.path, bucket=bucket, prefix=prefix)
    try:
        document = scope.read(file) if file else None
    except UnreadableTemplate as error:
        return _unknown_at(body.node, scope, f"its template cannot be read: {error}")
    if document is None:
        return _unknown_at(body.node, scope, f"its template {shown} is no file of this release")
    if path.count("/") >= MAX_NESTING:
        return _unknown_at(body.node, scope, f"it is nested more than {MAX_NESTING} levels deep")
    passed = get(given, "Parameters", world)
    bindings = entries(passed, world) if isinstance(passed, Table) else passed
    if isinstance(bindings, (Unknown, Row, str)):
        return _unknown_at(body.node, scope, "the parameters it is given are not told")
    parameters = {} if isinstance(bindings, NoValue) else dict(bindings)
    return Scope(document, path, parameters, defaults_apply=True, read=scope.read, release=scope.release)


def as_text(value: Value) -> str | None:
    """Show a text, its unknown pieces as ``${name}``; ``None`` for what is no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, Unknown):
        return "".join([part if isinstance(part, str) else f"${{{part.key}}}" for part in value.parts or (value,)])
    return None


def items(row: Row, world: World) -> Iterator[Value]:
    """Yield a list's values, without those that are AWS::NoValue."""
    for item in row.items:
        value = force(item, world)
        if value is not NO_VALUE:
            yield value


def _literal(node: Scalar, scope: Scope, world: World) -> Value:
    text = node.text
    if node.plain and text in WORDS:
        readings = WORDS[text]
        return readings[0] if len(readings) == 1 else world.choose(("YAML 1.1", text), readings)
    if scope.loops and "{" in text:
        return _unroll(text, scope)
    return _told(text)


def _told(text: str) -> str | Unknown:
    if "{{" in text and DYNAMIC_REFERENCE in text:
        return Unknown(f"dynamic {text}", f"the dynamic reference {text} is only looked up when it is deployed")
    return text


def _unknown_at(node: Node, scope: Scope, reason: str) -> Unknown:
    return Unknown(
        f"{scope.document.path}:{scope.stack}:{node.line}:{node.column}:{sorted(map(str, scope.loops.values()))}",
        reason,
    )


def _unroll(text: str, scope: Scope) -> str | Unknown:
    """Put the identifiers of the loops around it into a text."""
    pieces: list[Value] = []
    end = 0
    for match in re.finditer(r"[$&]\{([^${}]*)\}", text):
        if match[1] in scope.loops:
            pieces += [text[end : match.start()], scope.loops[match[1]]]
            end = match.end()
    return concatenate([*pieces, text[end:]])


def concatenate(pieces: list[Value]) -> str | Unknown:
    """Join texts; with an unknown piece the result is unknown, but keeps the known pieces."""
    parts: list[str | Unknown] = []
    for piece in pieces:
        if not isinstance(piece, (str, Unknown)):
            return Unknown(f"text of {len(pieces)} pieces", "a list or a mapping stands where a text is expected")
        for part in piece.parts or (piece,) if isinstance(piece, Unknown) else (piece,):
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            elif part != "":
                parts.append(part)
    if sum(len(part) if isinstance(part, str) else 1 for part in parts) > MAX_TEXT or len(parts) > MAX_PARTS:
        raise TooManyStepsError
    if not parts:
        return ""
    if len(parts) == 1:
        return parts[0] if isinstance(parts[0], Unknown) else _told(parts[0])
    shown = "".join([part if isinstance(part, str) else f"${{{part.key}}}" for part in parts])
    reason = next(part.reason for part in parts if isinstance(part, Unknown))
    return Unknown(shown, reason, tuple(parts))


def _rounds(node: Node, scope: Scope, world: World) -> dict[str, Lazy]:
    """Expand one ``Fn::ForEach``: identifier, collection, and a mapping of keys to bodies."""
    if not isinstance(node, Sequence) or len(node.items) != 3:
        return {}
    identifier, collection, body = node.items
    if not isinstance(identifier, Scalar) or not isinstance(body, Mapping):
        return {}
    values = resolve(collection, scope, world)
    rounds: list[Value] = list(items(values, world)) if isinstance(values, Row) else [values]
    found: dict[str, Lazy] = {}
    for value in rounds:
        if not isinstance(value, (str, Unknown)):
            value = _unknown_at(collection, scope, "the collection of the loop is not told")
        inner = scope.looping(identifier.text, value)
        for name, entry in body.entries.items():
            world.budget.spend()
            if name.startswith(LOOP):
                found.update(_rounds(entry, inner, world))
            else:
                found[as_text(_unroll(name, inner)) or name] = Lazy(entry, inner)
    return found


def _ref(argument: Node, scope: Scope, world: World) -> Value:
    name = resolve(argument, scope, world)
    return (
        refer(name, scope, world) if isinstance(name, str) else _unknown_at(argument, scope, "Ref names nothing known")
    )


def refer(name: str, scope: Scope, world: World) -> Value:
    """Return what ``Ref`` gives for a name: a loop's identifier, a parameter, a pseudo parameter or a resource's id."""
    if name in scope.loops:
        return scope.loops[name]
    if name == "AWS::NoValue":
        return NO_VALUE
    if name in scope.document.section("Parameters").entries:
        return _parameter(name, scope, world)
    key = scope.key(name)
    if key in world.answers:
        return str(world.answers[key])
    if name.startswith("AWS::"):
        bound = scope.parameters.get(name)
        return bound if isinstance(bound, str) else Unknown(key, f"{name} is only known when it is deployed")
    return Unknown(key, f"{name} is only known when it is deployed")


def _parameter(name: str, scope: Scope, world: World) -> Value:
    node = scope.document.section("Parameters").entries[name]
    declared = node.entries if isinstance(node, Mapping) else {}
    kind = _text_of(declared.get("Type")) or "String"
    key = scope.key(name)
    bound = scope.parameters.get(name)
    value: Value = NO_VALUE
    if bound is not None:
        value = bound if isinstance(bound, str) else force(bound, world)
    if value is NO_VALUE and key in world.answers:
        value = str(world.answers[key])
    if kind.startswith("AWS::SSM::Parameter::Value"):
        return Unknown(key, f"the parameter {name} is looked up in Parameter Store when it is deployed")
    if value is NO_VALUE:
        value = _open_parameter(name, declared, scope, world)
    if isinstance(value, str):
        value = _told(value)
    if isinstance(value, str) and _is_list(kind):
        return Row(tuple([item.strip() for item in value.split(",")]))
    return value


def _open_parameter(name: str, declared: dict[str, Node], scope: Scope, world: World) -> str | Unknown:
    """Return a value of a parameter that nobody passes: its default, an allowed value, or anything."""
    kind = _text_of(declared.get("Type")) or "String"
    default = _declared(declared.get("Default"), scope, world)
    if scope.defaults_apply and default is not None:
        return default
    key = scope.key(name)
    allowed = declared.get("AllowedValues")
    if isinstance(allowed, Sequence) and not _is_list(kind):
        texts = [text for item in allowed.items if (text := _declared(item, scope, world)) is not None]
        picked = world.pick(key, list(dict.fromkeys(texts)))
        if picked is not None:
            return picked
    elif default is not None and world.equals(key, default):
        return default
    reason = f"the parameter {name} may be given any value"
    return Unknown(key, reason, bounds=_bounds(declared) if kind == "Number" else None)


def _is_list(kind: str) -> bool:
    return kind == "CommaDelimitedList" or kind.startswith("List<")


def _declared(node: Node | None, scope: Scope, world: World) -> str | None:
    """Return the text of a literal in a parameter's declaration."""
    value = _literal(node, scope, world) if isinstance(node, Scalar) else NO_VALUE
    return as_text(value)


def _bounds(declared: dict[str, Node]) -> tuple[int, int] | None:
    try:
        return int(_text_of(declared.get("MinValue"))), int(_text_of(declared.get("MaxValue")))
    except ValueError:
        return None


def _text_of(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _get_att(argument: Node, scope: Scope, world: World) -> Value:
    value = resolve(argument, scope, world)
    if isinstance(value, Row):
        parts = [as_text(item) for item in items(value, world)]
        path = None if None in parts else ".".join([part for part in parts if part is not None])
    else:
        path = as_text(value)
    if path is None or "." not in path:
        return _unknown_at(argument, scope, "Fn::GetAtt names nothing known")
    name, _, attribute = path.partition(".")
    return attribute_of(name, attribute, scope, world)


def attribute_of(name: str, attribute: str, scope: Scope, world: World) -> Value:
    """Return what ``Fn::GetAtt`` gives, where the template tells it."""
    key = scope.key(f"{name}.{attribute}")
    if key in world.active:
        return Unknown(key, f"{name}.{attribute} refers to itself")
    if key not in world.memo:
        world.active.add(key)
        world.memo[key] = _attribute(name, attribute, scope, world)
        world.active.discard(key)
    value: Value = world.memo[key]
    return value


def _attribute(name: str, attribute: str, scope: Scope, world: World) -> Value:
    unknown = Unknown(scope.key(f"{name}.{attribute}"), f"{name}.{attribute} is only known when it is deployed")
    body = resource(name, scope, world)
    kind = resource_type(body) if body else None
    if body is None or kind is None:
        return unknown
    match kind, attribute:
        case ("AWS::EC2::SecurityGroup", "GroupId" | "Id") | ("AWS::EC2::PrefixList", "PrefixListId"):
            return Unknown(scope.key(name), unknown.reason)
        case ("AWS::EC2::VPC" | "AWS::EC2::Subnet", "CidrBlock"):
            given = properties(body, world)
            block = get(given, "CidrBlock", world) if isinstance(given, Table) else given
            return (
                replace(block if isinstance(block, Unknown) else unknown, prefix_bits=VPC_BITS)
                if not isinstance(block, str)
                else block
            )
        case ("AWS::EC2::VPC" | "AWS::EC2::Subnet", "Ipv6CidrBlocks"):
            return replace(unknown, prefix_bits=VPC_BITS_V6)
    if kind in STACK_TYPES and attribute.startswith("Outputs."):
        child = child_stack(name, body, world)
        return (
            child if isinstance(child, Unknown) else _output(attribute.removeprefix("Outputs."), child, unknown, world)
        )
    return unknown


def _output(name: str, child: Scope, unknown: Unknown, world: World) -> Value:
    found = entries(Table(child.document.section("Outputs"), child), world)
    if isinstance(found, Unknown) or name not in found or not isinstance(found[name].node, Mapping):
        return unknown
    output = found[name]
    value = get(Table(output.node, output.scope), "Value", world)
    return unknown if value is NO_VALUE else value


def _sub(argument: Node, scope: Scope, world: World) -> Value:
    template: Value
    variables: dict[str, Lazy] | Unknown = {}
    if isinstance(argument, Sequence):
        if len(argument.items) != 2 or not isinstance(argument.items[1], Mapping):
            return _unknown_at(argument, scope, "Fn::Sub is not a text and a mapping")
        template = resolve(argument.items[0], scope, world)
        variables = entries(Table(argument.items[1], scope), world)
    else:
        template = resolve(argument, scope, world)
    if isinstance(variables, Unknown):
        return variables
    if not isinstance(template, str):
        return template if isinstance(template, Unknown) else _unknown_at(argument, scope, "Fn::Sub has no text")
    pieces: list[Value] = []
    end = 0
    for match in PLACEHOLDER.finditer(template):
        pieces.append(template[end : match.start()])
        pieces.append(_substituted(match[1], variables, scope, world))
        end = match.end()
    return concatenate([*pieces, template[end:]])


def _substituted(name: str, variables: dict[str, Lazy], scope: Scope, world: World) -> Value:
    name = name.strip()
    if name.startswith("!"):
        return f"${{{name[1:]}}}"
    if name in variables:
        return force(variables[name], world)
    if "." in name:
        resource_name, _, attribute = name.partition(".")
        return attribute_of(resource_name, attribute, scope, world)
    return refer(name, scope, world)


def _arguments(argument: Node, scope: Scope, world: World, count: int) -> list[Value | Lazy] | None:
    value = resolve(argument, scope, world)
    if not isinstance(value, Row) or len(value.items) < count:
        return None
    return list(value.items)


def _join(argument: Node, scope: Scope, world: World) -> Value:
    arguments = _arguments(argument, scope, world, 2)
    if arguments is None:
        return _unknown_at(argument, scope, "Fn::Join has no delimiter and list")
    delimiter, listed = force(arguments[0], world), force(arguments[1], world)
    if isinstance(listed, Unknown):
        return replace(listed, key=f"joined {listed.key}", parts=(), prefix_bits=None)
    if not isinstance(listed, Row):
        return _unknown_at(argument, scope, "Fn::Join has no list")
    pieces: list[Value] = []
    for value in items(listed, world):
        pieces += [delimiter, value]
    return concatenate(pieces[1:])


def _split(argument: Node, scope: Scope, world: World) -> Value:
    arguments = _arguments(argument, scope, world, 2)
    if arguments is None:
        return _unknown_at(argument, scope, "Fn::Split has no delimiter and text")
    delimiter, text = force(arguments[0], world), force(arguments[1], world)
    if isinstance(delimiter, str) and delimiter and isinstance(text, str):
        return Row(tuple(text.split(delimiter)))
    if isinstance(text, Unknown):
        return Unknown(f"{text.key} split at {as_text(delimiter)}", text.reason)
    return _unknown_at(argument, scope, "Fn::Split has no delimiter and text")


def _select(argument: Node, scope: Scope, world: World) -> Value:
    arguments = _arguments(argument, scope, world, 2)
    if arguments is None:
        return _unknown_at(argument, scope, "Fn::Select has no index and list")
    index, listed = force(arguments[0], world), force(arguments[1], world)
    if isinstance(listed, Unknown):
        return Unknown(f"{listed.key}[{as_text(index)}]", listed.reason, prefix_bits=listed.prefix_bits)
    if isinstance(index, Unknown) and isinstance(listed, Row):
        index = world.pick(index.key, [str(number) for number in range(len(listed.items))]) or index
    if isinstance(index, str) and index.isdecimal() and isinstance(listed, Row) and int(index) < len(listed.items):
        return force(listed.items[int(index)], world)
    return _unknown_at(argument, scope, "Fn::Select chooses nothing in its list")


def _find_in_map(argument: Node, scope: Scope, world: World) -> Value:
    arguments = _arguments(argument, scope, world, 3)
    if arguments is None:
        return _unknown_at(argument, scope, "Fn::FindInMap has no map and two keys")
    found: Value = Table(scope.document.section("Mappings"), scope)
    for argument_ in arguments[:3]:
        key = force(argument_, world)
        if not isinstance(found, Table):
            break
        table = entries(found, world)
        if isinstance(key, Unknown) and isinstance(table, dict):
            key = world.pick(key.key, list(table)) or key
        if isinstance(table, Unknown) or not isinstance(key, str) or key not in table:
            found = NO_VALUE
            break
        found = force(table[key], world)
    if not isinstance(found, NoValue):
        return found
    default = force(arguments[3], world) if len(arguments) > 3 else NO_VALUE
    if isinstance(default, Table) and "DefaultValue" in default.node.entries:
        return get(default, "DefaultValue", world)
    return _unknown_at(argument, scope, "Fn::FindInMap finds nothing in Mappings")


def _if(argument: Node, scope: Scope, world: World) -> Value:
    if not isinstance(argument, Sequence) or len(argument.items) != 3:
        return _unknown_at(argument, scope, "Fn::If has no condition and two values")
    condition, yes, no = argument.items
    return resolve(yes if _truth(condition, scope, world) else no, scope, world)


def _truth(node: Node, scope: Scope, world: World) -> bool:
    world.budget.spend()
    if isinstance(node, Scalar):
        name = _unroll(node.text, scope)
        if isinstance(name, str):
            return holds(name, scope, world)
    if isinstance(node, Mapping) and len(node.entries) == 1:
        ((function, argument),) = node.entries.items()
        operands = argument.items if isinstance(argument, Sequence) else [argument]
        if function == "Condition":
            return _truth(argument, scope, world)
        if function == "Fn::And":
            return all(_truth(operand, scope, world) for operand in operands)
        if function == "Fn::Or":
            return any(_truth(operand, scope, world) for operand in operands)
        if function == "Fn::Not" and len(operands) == 1:
            return not _truth(operands[0], scope, world)
        if function == "Fn::Equals" and len(operands) == 2:
            one, other = (resolve(operand, scope, world) for operand in operands)
            return _equal(one, other, node, scope, world)
    return world.choose(("truth", scope.stack, node.line, node.column), (True, False))


def _equal(one: Value, other: Value, node: Node, scope: Scope, world: World) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    if isinstance(one, str):
        one, other = other, one
    if isinstance(one, Unknown) and isinstance(other, str):
        return _may_be(one, other) and world.equals(one.key, other)
    if isinstance(one, Unknown) and isinstance(other, Unknown):
        return one.key == other.key or world.choose(("same", *sorted((one.key, other.key))), (True, False))
    return world.choose(("truth", scope.stack, node.line, node.column), (True, False))


def _may_be(value: Unknown, text: str) -> bool:
    """Tell whether the known beginning and end of an unknown text allow ``text``."""
    first, last = (value.parts[0], value.parts[-1]) if value.parts else (None, None)
    return (not isinstance(first, str) or text.startswith(first)) and (not isinstance(last, str) or text.endswith(last))


def _cidr(argument: Node, scope: Scope, world: World) -> Value:
    arguments = _arguments(argument, scope, world, 2)
    values = [force(value, world) for value in arguments or []]
    if len(values) < 2:
        return _unknown_at(argument, scope, "Fn::Cidr has no block and count")
    block, count, bits = values[0], values[1], values[2] if len(values) > 2 else NO_VALUE
    size = int(bits) if isinstance(bits, str) and bits.isdecimal() else None
    if isinstance(block, str) and isinstance(count, str) and (size is not None or bits is NO_VALUE):
        found = subnets(block, count, size)
        if found is not None:
            return Row(tuple(found))
    whole = next((value for value in values if isinstance(value, Unknown)), None)
    reason = whole.reason if whole else "Fn::Cidr gets a block or a count that does not fit"
    limit = size if size is not None else block.prefix_bits if isinstance(block, Unknown) else None
    return replace(_unknown_at(argument, scope, reason), prefix_bits=limit)


def _base64(argument: Node, scope: Scope, world: World) -> Value:
    value = resolve(argument, scope, world)
    if isinstance(value, str):
        return base64.b64encode(value.encode()).decode()
    return _unknown_at(argument, scope, "Fn::Base64 encodes what is only known when it is deployed")


def _length(argument: Node, scope: Scope, world: World) -> Value:
    value = resolve(argument, scope, world)
    if isinstance(value, Row):
        return str(sum(1 for _ in items(value, world)))
    return _unknown_at(argument, scope, "Fn::Length counts a list that is only known when it is deployed")


FUNCTIONS: dict[str, Callable[[Node, Scope, World], Value]] = {
    "Ref": _ref,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
