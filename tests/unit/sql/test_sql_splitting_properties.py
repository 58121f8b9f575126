"""Generated statements are split out of a text unchanged, whatever their strings and comments contain."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.errors import UnreadableChanges
from belay.sql.changes import Engine
from belay.sql.located import of_file
from belay.sql.splitting import pieces, split

HOSTILE = st.text(";'\"`$/*#-@[]()\\\n eEqGO&!:", max_size=8)
"""Text that looks like the ends, beginnings and comments of every engine."""


def doubled(quote: str) -> st.SearchStrategy[str]:
    return HOSTILE.map(lambda text: quote + text.replace(quote, quote * 2) + quote)


def escaped(quote: str) -> st.SearchStrategy[str]:
    return HOSTILE.map(lambda text: quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote)


def without(*tokens: str) -> st.SearchStrategy[str]:
    return HOSTILE.filter(lambda text: not any(each in text for each in tokens))


WORDS = st.sampled_from(["x", "a1", "42", "value", "1.5"])
LINE_COMMENT = without("\n").map(lambda text: f"-- {text}\n")
COMMENT = without("*/", "/*").filter(lambda text: not text.endswith(("/", "*"))).map(lambda text: f"/* {text} */")
NESTED = COMMENT.map(lambda text: f"/* ; {text} ' */")
COMMON = WORDS | LINE_COMMENT | COMMENT
ATOMS = {
    Engine.POSTGRESQL: COMMON
    | NESTED
    | doubled("'")
    | doubled('"')
    | escaped("'").map(lambda text: f"E{text}")
    | without("$").map(lambda text: f"$q${text}$q$")
    | without("$$").filter(lambda text: not text.endswith("$")).map(lambda text: f"$${text}$$")
    | st.sampled_from(["(a; b)", "$1", "a$b"]),
    Engine.MYSQL: COMMON
    | escaped("'")
    | escaped('"')
    | doubled("`")
    | without("\n").map(lambda text: f"#{text}\n")
    | st.just("/*!50001 y */"),
    Engine.ORACLE: COMMON
    | doubled("'")
    | doubled('"')
    | without("]'").map(lambda text: f"q'[{text} ]'")
    | without("!'").map(lambda text: f"nQ'!{text} !'"),
    Engine.SQLSERVER: COMMON
    | NESTED
    | doubled("'")
    | doubled('"')
    | HOSTILE.map(lambda text: f"[{text.replace(']', ']]')}]"),
    Engine.DB2: COMMON | NESTED | doubled("'") | doubled('"') | st.just("a@b"),
}
STATEMENTS = {
    engine: st.lists(atom, max_size=6).map(lambda atoms: " ".join(["x", *atoms, "y"])) for engine, atom in ATOMS.items()
}
TERMINATORS = {
    Engine.POSTGRESQL: [";", " ;\n", ";-- x\n", "\n;/* ; */"],
    Engine.MYSQL: [";", " ;\n", ";# x\n"],
    Engine.ORACLE: [";", ";\n/\n", "\n/\n", ";\nPROMPT it's\n"],
    Engine.SQLSERVER: [";", "\nGO\n", ";\n go\n", "\nGO 1 -- x\n"],
    Engine.DB2: [";", " @\n", ";\n@\n", ";\nECHO it's\n"],
}


@pytest.mark.parametrize("engine", ATOMS)
@given(data=st.data())
def test_generated_statements_come_back(engine: Engine, data: st.DataObject) -> None:
    statements = data.draw(st.lists(STATEMENTS[engine], max_size=5))
    text = "".join(each + data.draw(st.sampled_from(TERMINATORS[engine])) for each in statements)
    source = of_file("a.sql", text)
    read = split(source, engine)
    assert [each.text for each in read] == statements
    for statement, piece in zip(read, pieces(source, engine), strict=True):
        before = text[: piece.start]
        assert statement.place.line == before.count("\n") + 1
        assert statement.place.column == len(before.rpartition("\n")[2]) + 1


@pytest.mark.parametrize("engine", Engine)
@given(text=st.text("aE;'\"`$/*#-@[]()\\\n q&!:GO", max_size=40) | st.text(max_size=40))
def test_any_text_is_read_once_from_beginning_to_end_or_refused(engine: Engine, text: str) -> None:
    try:
        found = pieces(of_file("a.sql", text), engine)
    except UnreadableChanges:
        return
    assert all(0 <= each.start < each.end <= each.stop <= len(text) for each in found)
    assert all(one.stop <= next_.start for one, next_ in pairwise(found))


@pytest.mark.parametrize("engine", Engine)
@given(text=st.text("ab;'\"$/*-@[]()\\\nEq", max_size=40))
def test_a_statement_by_itself_is_one_statement(engine: Engine, text: str) -> None:
    if engine in {Engine.ORACLE, Engine.DB2}:
        text = text.replace("/", "").replace("@", "")  # at the end of a line they are no SQL
    try:
        found = split(of_file("a.sql", text), engine)
    except UnreadableChanges:
        return
    for statement in found:
        assert [each.text for each in split(of_file("a.sql", statement.text), engine)] == [statement.text]
