"""Where one statement ends and the next begins, in each engine."""

import pytest

from belay.errors import UnreadableChanges
from belay.sql.changes import Engine, SourcePlace
from belay.sql.located import of_file
from belay.sql.operations import NotUnderstood
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


MYSQL = {
    "comments": ("a -- b;\n; c # d;\n; e --f; g /* /* ; */; h", ["a -- b;", "c # d;", "e --f", "g /* /* ; */", "h"]),
    "strings": (r"""a '\';' ";\"" ';'';' ; b""", [r"""a '\';' ";\"" ';'';'""", "b"]),
    "backticks": ("a `;``;`; b", ["a `;``;`", "b"]),
    "delimiters": (
        "DELIMITER //\nCREATE TRIGGER t BEGIN a; b; END//\ndelimiter ;\nc; d",
        ["CREATE TRIGGER t BEGIN a; b; END", "c", "d"],
    ),
    "a delimiter on its own line": ("DELIMITER\n$$\na; b\n$$\nDELIMITER ;\nc;", ["a; b", "c"]),
    "a delimiter of dollars": ("DELIMITER $$\na; b$$\nDELIMITER ;\nc;", ["a; b", "c"]),
    "a stored program without a delimiter": (
        "CREATE DEFINER=`a`@`%` PROCEDURE p() BEGIN IF a THEN b; END IF; CASE c WHEN 1 THEN d; END CASE; "
        "SELECT CASE 1 WHEN 2 THEN 3 END; BEGIN e; END; END; f",
        [
            "CREATE DEFINER=`a`@`%` PROCEDURE p() BEGIN IF a THEN b; END IF; CASE c WHEN 1 THEN d; END CASE; "
            "SELECT CASE 1 WHEN 2 THEN 3 END; BEGIN e; END; END",
            "f",
        ],
    ),
    "a transaction": ("BEGIN; a; COMMIT", ["BEGIN", "a", "COMMIT"]),
    "a column that is named begin": ("CREATE TABLE event (begin date); b", ["CREATE TABLE event (begin date)", "b"]),
    "an executed comment": (
        "/*!40101 SET a = 1 */; /*!50003 CREATE*/ /*!50003 TRIGGER t BEGIN a; b; END */; c",
        ["/*!40101 SET a = 1 */", "/*!50003 CREATE*/ /*!50003 TRIGGER t BEGIN a; b; END */", "c"],
    ),
    "a product before a comment": ("a 2*/* ; */3; b", ["a 2*/* ; */3", "b"]),
}

ORACLE = {
    "slashes": ("a\n/\nb;\n/\nc / d;", ["a", "b", "c / d"]),
    "a slash at the very beginning": (" /\na;", ["a"]),
    "a block": ("BEGIN a; b; END;\n/\nc;", ["BEGIN a; b; END;", "c"]),
    "a procedure": (
        "CREATE OR REPLACE EDITIONABLE PROCEDURE p AS\nBEGIN a; END;\n  /  \r\nc;",
        ["CREATE OR REPLACE EDITIONABLE PROCEDURE p AS\nBEGIN a; END;", "c"],
    ),
    "quotes of choice": (
        "a q'[;']' || Nq'{'};}' || q'!;'!' || q'a;'a'; b q'<'>;>'",
        ["a q'[;']' || Nq'{'};}' || q'!;'!' || q'a;'a'", "b q'<'>;>'"],
    ),
    "comments do not nest": ("/* /* */ a; b", ["a", "b"]),
    "what only shows": ("SET DEFINE OFF\nSPOOL x\nPROMPT it's\nREM; x'\nWHENEVER SQLERROR EXIT\na;\nEXIT", ["a"]),
    "the language's own SET": ("SET ROLE x; a", ["SET ROLE x", "a"]),
    "one line": ("EXEC p(1);\na;", ["EXEC p(1);", "a"]),
    "a link": ("a b@c; d != e", ["a b@c", "d != e"]),
}

SQLSERVER = {
    "batches": ("a\nGO\nb\n  go -- c\nd\nGO\n", ["a", "b", "d"]),
    "GO in a name": ("a GO\nGOING\nb", ["a GO\nGOING\nb"]),
    "brackets": ("a [;]]'];b", ["a [;]]']", "b"]),
    "semicolons in blocks": ("IF a BEGIN b; c; END; d", ["IF a BEGIN b; c; END", "d"]),
    "a transaction": ("BEGIN TRAN; a; COMMIT", ["BEGIN TRAN", "a", "COMMIT"]),
    "a module takes its batch": (
        "CREATE OR ALTER PROC p AS a; b;\nSELECT 1\nGO\nc",
        ["CREATE OR ALTER PROC p AS a; b;\nSELECT 1", "c"],
    ),
    "no semicolons": (
        "CREATE TABLE a (b int)\nALTER TABLE a ADD c int\n  DROP TABLE d\nINSERT INTO a VALUES (1)\nEXEC e",
        ["CREATE TABLE a (b int)", "ALTER TABLE a ADD c int", "DROP TABLE d", "INSERT INTO a VALUES (1)", "EXEC e"],
    ),
    "lines that go on": (
        "ALTER TABLE a\nALTER COLUMN b int\nALTER TABLE a\nDROP COLUMN c\nINSERT INTO a\nSELECT 1\nUNION ALL\nSELECT 2"
        "\nUPDATE a\nSET b = 1\nSET NOCOUNT ON",
        [
            "ALTER TABLE a\nALTER COLUMN b int",
            "ALTER TABLE a\nDROP COLUMN c",
            "INSERT INTO a\nSELECT 1\nUNION ALL\nSELECT 2",
            "UPDATE a\nSET b = 1",
            "SET NOCOUNT ON",
        ],
    ),
    "a view": ("CREATE VIEW v AS\nWITH a AS (b)\nSELECT 1\nGO\nc", ["CREATE VIEW v AS\nWITH a AS (b)\nSELECT 1", "c"]),
    "after a block": (
        "IF a\nBEGIN\nDROP TABLE b\nEND\nDROP TABLE c",
        ["IF a\nBEGIN\nDROP TABLE b\nEND", "DROP TABLE c"],
    ),
    "several cases": (
        "BEGIN\na CASE 1 WHEN 2 THEN 3 END + CASE 4 WHEN 5 THEN 6 END /* ; */;\nEND\nEXEC b",
        ["BEGIN\na CASE 1 WHEN 2 THEN 3 END + CASE 4 WHEN 5 THEN 6 END /* ; */;\nEND", "EXEC b"],
    ),
    "an exit": ("a\nGO\nexit\n", ["a"]),
    "a condition after a block": (
        "BEGIN\nIF a\nBEGIN\nb;\nEND\nIF c\nd;\nEND\nGO\ne",
        ["BEGIN\nIF a\nBEGIN\nb;\nEND\nIF c\nd;\nEND", "e"],
    ),
    "a condition's statement": ("IF a\nDROP TABLE b\nGO\nc", ["IF a\nDROP TABLE b", "c"]),
    "nested comments": ("/* /* GO\n */\nGO\n*/ a", ["a"]),
    "words within": (
        "GRANT\nSELECT,\nUPDATE ON a TO b\nDROP TABLE\nIF EXISTS c",
        ["GRANT\nSELECT,\nUPDATE ON a TO b", "DROP TABLE\nIF EXISTS c"],
    ),
}

DB2 = {
    "semicolons": ("a; b", ["a", "b"]),
    "a declared terminator": ("--#SET TERMINATOR @\na; b@ c\n@\n--#set terminator ;\nd; e", ["a; b", "c", "d", "e"]),
    "at the end of lines": (
        "CREATE TRIGGER t BEGIN ATOMIC a; END@\nb @\nc",
        ["CREATE TRIGGER t BEGIN ATOMIC a; END", "b", "c"],
    ),
    "an at sign in a name": ("a b@c; d", ["a b@c", "d"]),
    "compound": (
        "BEGIN ATOMIC FOR a DO b; END FOR; IF c THEN d; END IF; END; e",
        ["BEGIN ATOMIC FOR a DO b; END FOR; IF c THEN d; END IF; END", "e"],
    ),
    "what only shows": ("ECHO it's\na;\nTERMINATE;", ["a"]),
}

CASES = {
    (engine, name): case
    for engine, cases in {
        Engine.POSTGRESQL: POSTGRESQL,
        Engine.MYSQL: MYSQL,
        Engine.MARIADB: MYSQL,
        Engine.ORACLE: ORACLE,
        Engine.SQLSERVER: SQLSERVER,
        Engine.DB2: DB2,
    }.items()
    for name, case in cases.items()
}


@pytest.mark.parametrize(("engine", "name"), CASES)
def test_statements(engine: Engine, name: str) -> None:
    text, expected = CASES[engine, name]
    assert [each.text for each in split(of_file("a.sql", text), engine)] == expected


@pytest.mark.parametrize(
    ("engine", "text", "reason"),
    [
        (Engine.ORACLE, "a &b", "a substitution variable of SQL*Plus"),
        (Engine.ORACLE, "DEFINE b = c\na '&b';", "a substitution variable of SQL*Plus"),
        (Engine.ORACLE, "CREATE TYPE t AS OBJECT (a NUMBER);\n\n DROP TABLE b;", "SQL follows PL/SQL"),
        (Engine.SQLSERVER, "a [$(b)]", "a variable of sqlcmd"),
        (Engine.SQLSERVER, "a;\nGO 5", "GO 5 repeats its batch"),
        (Engine.SQLSERVER, "a\nGO 5", "GO 5 repeats its batch"),
    ],
)
def test_what_may_not_be_run_as_it_is_written_is_not_understood(engine: Engine, text: str, reason: str) -> None:
    *_, last = split(of_file("a.sql", text), engine)
    (operation,) = last.operations or ()
    assert isinstance(operation, NotUnderstood)
    assert operation.reason.startswith(reason)
    assert operation.everything


def test_a_batch_that_is_run_once_is_no_doubt() -> None:
    (statement,) = split(of_file("a.sql", "a\nGO 1\n"), Engine.SQLSERVER)
    assert statement.operations is None


def test_every_statement_knows_its_place() -> None:
    text = "a;\n\n  -- c\n  b; d\n;" + "x;" * 5000 + "\n e"
    places = [each.place for each in split(of_file("a.sql", text), Engine.POSTGRESQL)]
    assert places[:3] == [SourcePlace("a.sql", 1, 1), SourcePlace("a.sql", 4, 3), SourcePlace("a.sql", 4, 6)]
    assert places[-2:] == [SourcePlace("a.sql", 5, 2 + 2 * 4999), SourcePlace("a.sql", 6, 2)]


REFUSED_POSTGRESQL = {
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
    "an escape string": ("E'\\'", "a.sql:1:1: expected a closing ' for this E'"),
    "strings with backslashes": (
        "SET standard_conforming_strings = off",
        "a.sql:1:5: expected standard",
    ),
    "such strings by a function": (
        "SELECT set_config('standard_conforming_strings', 'off', false)",
        "a.sql:1:20: expected",
    ),
    "too many": ("a;" * 100_001, "a.sql:1:200001: expected at most 100,000 statements"),
}


REFUSED_MYSQL = {
    "string": ("a '\\'; b", "a.sql:1:3: expected a closing ' for this '"),
    "name": ("a `b", "a.sql:1:3: expected a closing `"),
    "comment": ("a /* b", "a.sql:1:3: expected a closing */"),
    "executed comment": ("a /*! b ; c */", "a.sql:1:3: expected an end of this comment within the statement"),
    "block": ("CREATE TRIGGER t BEGIN a;", "a.sql:1:18: expected an END"),
    "source": ("a;\nsource b", "a.sql:2:1: expected SQL, found 'source b'"),
    "system": ("system ls", "a.sql:1:1: expected SQL, found 'system ls'"),
    "shell": ("a;\n\\! ls", "a.sql:2:1: expected SQL"),
    "a server's file": ("LOAD DATA INFILE 'x'", "a.sql:1:11: expected no access"),
    "a file to write": ("select 1 into outfile 'x'", "a.sql:1:15: expected no access"),
    "another sense of quotes": ("SET SESSION sql_mode = 'ANSI_QUOTES'", "a.sql:1:25: expected an SQL mode"),
    "a mode by its number": ("SET sql_mode = 4", "a.sql:1:5: expected an SQL mode"),
    "too many delimiters": ("".join(f"DELIMITER a{each}\n" for each in range(30)), "a.sql:20:14: expected at most 20"),
}

REFUSED_ORACLE = {
    "a file": ("a;\n@b.sql", "a.sql:2:1: expected SQL, found '@b.sql'"),
    "a file beside": ("@@b", "a.sql:1:1: expected SQL"),
    "shell": ("! ls", "a.sql:1:1: expected SQL, found '! ls'"),
    "host": ("host ls", "a.sql:1:1: expected SQL, found 'host ls'"),
    "connect": ("connect a/b", "a.sql:1:1: expected SQL"),
    "quote of choice": ("q'[ ]' x q'[", "a.sql:1:10: expected a closing"),
    "string": ("a 'b", "a.sql:1:3: expected a closing '"),
    "comment": ("/* b", "a.sql:1:1: expected a closing */"),
}

REFUSED_SQLSERVER = {
    "a file": ("a\n:r b.sql", "a.sql:2:1: expected SQL, found ':r b.sql'"),
    "a variable": (":setvar a b", "a.sql:1:1: expected SQL"),
    "shell": ("  !! dir", "a.sql:1:1: expected SQL"),
    "bracket": ("a [b", "a.sql:1:3: expected a closing ]"),
    "comment": ("/* /* */", "a.sql:1:1: expected an end of this comment"),
    "a program": ("EXEC xp_cmdshell 'dir'", "a.sql:1:6: expected no access"),
    "block": ("BEGIN a; b", "a.sql:1:1: expected an END"),
}

REFUSED_DB2 = {
    "shell": ("!ls;", "a.sql:1:1: expected SQL"),
    "connect": ("CONNECT TO x;", "a.sql:1:1: expected SQL"),
    "load": ("LOAD FROM x OF DEL;", "a.sql:1:1: expected SQL"),
    "string": ("'", "a.sql:1:1: expected a closing '"),
}

REFUSED = {
    (engine, name): case
    for engine, cases in {
        Engine.POSTGRESQL: REFUSED_POSTGRESQL,
        Engine.MYSQL: REFUSED_MYSQL,
        Engine.ORACLE: REFUSED_ORACLE,
        Engine.SQLSERVER: REFUSED_SQLSERVER,
        Engine.DB2: REFUSED_DB2,
    }.items()
    for name, case in cases.items()
}


@pytest.mark.parametrize(("engine", "name"), REFUSED)
def test_what_cannot_be_read_is_refused(engine: Engine, name: str) -> None:
    text, problem = REFUSED[engine, name]
    with pytest.raises(UnreadableChanges) as refused:
        split(of_file("a.sql", text), engine)
    assert refused.value.problems[0].startswith(problem)


def test_every_problem_of_a_file_is_told() -> None:
    with pytest.raises(UnreadableChanges) as refused:
        split(of_file("a.sql", "\\i x\na;\n\\! y\nCOPY t FROM 'x';\n'"), Engine.POSTGRESQL)
    assert [each.split(":")[1] for each in refused.value.problems] == ["1", "3", "4", "5"]
