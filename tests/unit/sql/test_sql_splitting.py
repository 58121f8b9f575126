"""Where one statement ends and the next begins, in each engine."""

import pytest

from belay.errors import UnreadableChanges
from belay.sql.changes import Engine, SourcePlace
from belay.sql.located import of_file
from belay.sql.splitting import split

POSTGRESQL = {
    "two": ("a; b;", ["a", "b"]),
    "no terminator at the end": ("a;\nb", ["a", "b"]),
    "nothing": (" -- c\n/* d */ ; ;\n", []),
    "comments before a statement are not its own": ("-- c\n/* d */ a /* e; */ b -- ;\n;", ["a /* e; */ b -- ;"]),
    "nested comment": ("/* /* ; */ ; */ a; b", ["a", "b"]),
    "string": ("a ';' ''';'; b", ["a ';' ''';'", "b"]),
    "backslash in a standard string": (r"a '\'; b", [r"a '\'", "b"]),
    "escape string": (r"a E'\';'; b e'\\'; c", [r"a E'\';'", r"b e'\\'", "c"]),
    "escape string continued": ("a E'x'\n-- c\n'\\''; b; --'", ["a E'x'\n-- c\n'\\''", "b"]),
    "name": ('a "x;""y"; b', ['a "x;""y"', "b"]),
    "dollar quotes": ("a $$ ; $a$ $$; b $a$ ; $$ $a$; c", ["a $$ ; $a$ $$", "b $a$ ; $$ $a$", "c"]),
    "a dollar in a name quotes nothing": ("a$$ ; b$$ ; é$$ ; c", ["a$$", "b$$", "é$$", "c"]),
    "a no-break space is part of a name": ("x\u00a0$$; drop; --$$", ["x\u00a0$$", "drop"]),
    "a parameter": ("a $1; b", ["a $1", "b"]),
    "atomic body": (
        "CREATE OR REPLACE FUNCTION f() BEGIN ATOMIC SELECT CASE 1 WHEN 2 THEN 3 END; b; END; c",
        ["CREATE OR REPLACE FUNCTION f() BEGIN ATOMIC SELECT CASE 1 WHEN 2 THEN 3 END; b; END", "c"],
    ),
    "a transaction is no block": ("BEGIN; a; END; b", ["BEGIN", "a", "END", "b"]),
    "a rule's statements": (
        "CREATE RULE r AS ON INSERT TO t DO (a; b); c",
        ["CREATE RULE r AS ON INSERT TO t DO (a; b)", "c"],
    ),
    "rows": ("COPY t (a) FROM stdin;\n1;\n';\n\\.\nb;", ["COPY t (a) FROM stdin;\n1;\n';", "b"]),
    "an operator begins it": ("=a; b", ["=a", "b"]),
}


@pytest.mark.parametrize(("text", "expected"), POSTGRESQL.values(), ids=POSTGRESQL)
def test_postgresql(text: str, expected: list[str]) -> None:
    assert [each.text for each in split(of_file("a.sql", text), Engine.POSTGRESQL)] == expected


def test_every_statement_knows_its_place() -> None:
    text = "a;\n\n  -- c\n  b; d\n;" + "x;" * 5000 + "\n e"
    places = [each.place for each in split(of_file("a.sql", text), Engine.POSTGRESQL)]
    assert places[:3] == [SourcePlace("a.sql", 1, 1), SourcePlace("a.sql", 4, 3), SourcePlace("a.sql", 4, 6)]
    assert places[-2:] == [SourcePlace("a.sql", 5, 2 + 2 * 4999), SourcePlace("a.sql", 6, 2)]


REFUSED = {
    "string": ("a;\n 'b;", "a.sql:2:2: expected a closing '"),
    "name": ('"b;', 'a.sql:1:1: expected a closing "'),
    "dollar quote": ("a $x$ b $y$", "a.sql:1:3: expected a closing '$x$', found none"),
    "comment": ("/* /* */", "a.sql:1:1: expected an end of this comment"),
    "parenthesis": ("a (b;", "a.sql:1:3: expected a closing parenthesis"),
    "block": ("CREATE FUNCTION f() BEGIN ATOMIC a;", "a.sql:1:21: expected an END for this BEGIN"),
    "meta command": ("a;\n\\copy t from x", r"a.sql:2:1: expected SQL, found '\\copy t from x'"),
    "a program": (
        "COPY t (a) FROM PROGRAM 'x'",
        "a.sql:1:17: expected COPY with the rows in the file, found a program",
    ),
    "a query to a program": ("copy (select 1) to program 'x'", "a.sql:1:20: expected COPY"),
    "a server's file": ("COPY t FROM 'x'", "a.sql:1:13: expected COPY with the rows in the file, found one that names"),
    "a server's file in dollars": ("COPY t TO $$x$$", "a.sql:1:11: expected COPY"),
    "a function that reads files": ("select pg_read_file('x')", "a.sql:1:8: expected no access to the server's files"),
    "its quoted name": ("select \"pg_read_file\"('x')", "a.sql:1:8: expected no access"),
    "rows without an end": ("COPY t FROM stdin;\n1", "a.sql:1:19: expected rows for COPY"),
    "a comment's end that is one for some": (
        "a; -- b\rDROP TABLE c",
        "a.sql:1:4: expected a comment that ends with its line",
    ),
    "too many": ("a;" * 100_001, "a.sql:1:200001: expected at most 100,000 statements"),
}


@pytest.mark.parametrize(("text", "problem"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused(text: str, problem: str) -> None:
    with pytest.raises(UnreadableChanges) as refused:
        split(of_file("a.sql", text), Engine.POSTGRESQL)
    assert refused.value.problems[0].startswith(problem)


def test_every_problem_of_a_file_is_told() -> None:
    with pytest.raises(UnreadableChanges) as refused:
        split(of_file("a.sql", "\\i x\na;\n\\! y\nCOPY t FROM 'x';\n'"), Engine.POSTGRESQL)
    assert [each.split(":")[1] for each in refused.value.problems] == ["1", "3", "4", "5"]
