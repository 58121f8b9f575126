"""Liquibase's changelogs: the same change sets in XML, YAML, JSON and formatted SQL, and their uncertain parts."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.errors import UnreadableChanges
from belay.sql.changes import DatabaseChange, Engine, Format, SourcePlace
from belay.sql.operations import NotUnderstood
from belay.sql.reading import format_of, read_changes, read_files

ENGINE = Engine.POSTGRESQL


def read(files: dict[str, str], engine: Engine = ENGINE, **properties: str) -> tuple[DatabaseChange, ...]:
    encoded = {f"db/{name}": text.encode() for name, text in files.items()}
    return read_changes(encoded, "db", engine, format=Format.LIQUIBASE, placeholders=properties)


def refused(files: dict[str, str]) -> list[str]:
    with pytest.raises(UnreadableChanges) as found:
        read(files)
    return found.value.problems


def formatted(text: str) -> str:
    return f"--liquibase formatted sql\n{text}"


def xml(inside: str) -> str:
    return f'<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog">{inside}</databaseChangeLog>'


def change_set(inside: str, attributes: str = "") -> str:
    return xml(f'<changeSet id="1" author="a" {attributes}>{inside}</changeSet>')


def texts(change: DatabaseChange) -> list[str]:
    return [each.text for each in change.statements]


def reasons(*changes: DatabaseChange) -> list[str]:
    operations = [each for change in changes for one in change.statements for each in one.operations or ()]
    return [each.reason for each in operations if isinstance(each, NotUnderstood)]


def undo(change: DatabaseChange) -> list[str] | None:
    return None if change.undo is None else [each.text for each in change.undo]


def test_formatted_sql_in_any_case() -> None:
    text = formatted(
        '\n--ChangeSet Ann Lee:create-orders RunOnChange:TRUE runInTransaction:false context:"a and b" labels:x\n'
        "--comment why\n-- note\nCREATE TABLE a (b int);\nc;\n--ROLLBACK DROP TABLE a;\n--rollback d;\n"
        '-- changeset "b:c":2\ne;\n'
    )
    first, second = read({"changelog.sql": text})
    assert (first.id, first.author) == ("db/changelog.sql::create-orders::Ann Lee", "Ann Lee")
    assert (first.repeatable, first.transactional, first.contexts, first.labels) == (True, False, "a and b", "x")
    assert texts(first) == ["CREATE TABLE a (b int)", "c"]
    assert [each.place.line for each in first.statements] == [6, 7]
    assert undo(first) == ["DROP TABLE a", "d"]
    assert (first.undo or ())[0].place == SourcePlace("db/changelog.sql", 8, 12)
    assert (second.id, texts(second), second.undo) == ("db/changelog.sql::2::b:c", ["e"], None)


@pytest.mark.parametrize(
    ("rollback", "expected"),
    [
        ("--rollback empty", []),
        ("--rollback not required", []),
        ("/* liquibase rollback\nDROP TABLE a;\nb;\n*/", ["DROP TABLE a", "b"]),
        ("--rollback changesetId:1 changesetAuthor:b", ["rollback"]),
        ("", None),
    ],
)
def test_what_undoes_formatted_sql(rollback: str, expected: list[str] | None) -> None:
    (change,) = read({"changelog.sql": formatted(f"--changeset a:1\nx;\n{rollback}\n")})
    assert texts(change) == ["x"]
    assert undo(change) == expected


@pytest.mark.parametrize(
    ("delimiter", "engine", "body", "expected"),
    [
        ("//", Engine.MYSQL, "a; b// c//", ["a; b", "c"]),
        ("$$", Engine.MYSQL, "a; END$$\nc", ["a; END", "c"]),
        (r"\n/", Engine.ORACLE, "BEGIN a; END;\n/\nb;\n/", ["BEGIN a; END;", "b"]),
        ("/", Engine.ORACLE, "a\n/\nb / c\n/", ["a", "b / c"]),
        (r"\nGO", Engine.SQLSERVER, "a\nGO\nb", ["a", "b"]),
        ("@", Engine.DB2, "a; b@\nc@", ["a; b", "c"]),
    ],
)
def test_delimiters_of_formatted_sql(delimiter: str, engine: Engine, body: str, expected: list[str]) -> None:
    (change,) = read({"changelog.sql": formatted(f"--changeset a:1 endDelimiter:{delimiter}\n{body}\n")}, engine)
    assert texts(change) == expected
    assert not reasons(change)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ("runAlways:true", "it is run in every release (runAlways)"),
        ("failOnError:false", "it counts as run when it fails (failOnError)"),
        ("runInTransaction:maybe", "runintransaction is 'maybe', expected true or false"),
        ("runWith:psql", "runwith is 'psql'"),
        ("runOrder:last", "its attribute 'runorder' is not read"),
        ("endDelimiter:(a+)+", "its endDelimiter '(a+)+' is not read"),
        ("labels:x labels:y", "an attribute is given twice"),
        ("context:${x}", "x has no value"),
    ],
)
def test_what_cannot_be_told_of_a_change_set_is_not_understood(attributes: str, reason: str) -> None:
    (change,) = read({"changelog.sql": formatted(f"--changeset a:1 {attributes}\nb;\n")})
    assert reasons(change) == [reason]
    assert texts(change)[-1] == "b"


def test_change_sets_of_other_databases_are_left_out() -> None:
    text = "--changeset a:1 dbms:oracle\nx;\n--changeset a:2 dbms:postgresql,h2\ny;\n--changeset a:3 dbms:!oracle\nz;\n"
    assert [each.id[-4:] for each in read({"changelog.sql": formatted(text)})] == ["2::a", "3::a"]


CREATE = {
    "xml": change_set(
        '<createTable tableName="orders"><column name="id" type="bigint" autoIncrement="true"><constraints '
        'primaryKey="true" primaryKeyName="orders_pk"/></column><column name="note" type="clob" defaultValue="it\'s">'
        '<constraints nullable="false"/></column></createTable><addColumn tableName="orders">'
        '<column name="paid" type="boolean" valueBoolean="true"/></addColumn>'
    ),
    "yaml": """
databaseChangeLog:
  - changeSet:
      id: 1
      author: a
      changes:
        - createTable:
            tableName: orders
            columns:
              - column:
                  name: id
                  type: bigint
                  autoIncrement: true
                  constraints: {primaryKey: true, primaryKeyName: orders_pk}
              - column: {name: note, type: clob, defaultValue: "it's", constraints: {nullable: false}}
        - addColumn:
            tableName: orders
            columns:
              - column: {name: paid, type: boolean, valueBoolean: true}
""",
}
CREATED = [
    'CREATE TABLE "orders" ("id" bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL, '
    '"note" text DEFAULT \'it\'\'s\' NOT NULL, CONSTRAINT "orders_pk" PRIMARY KEY ("id"))',
    'ALTER TABLE "orders" ADD COLUMN "paid" boolean',
    'UPDATE "orders" SET "paid" = TRUE',
]


@pytest.mark.parametrize("form", CREATE)
def test_change_types_become_the_sql_of_the_engine(form: str) -> None:
    (change,) = read({f"changelog.{form}": CREATE[form]})
    assert texts(change) == CREATED
    assert undo(change) == ['ALTER TABLE "orders" DROP COLUMN "paid"', 'DROP TABLE "orders"']


def test_json_is_read_as_yaml_is() -> None:
    columns = [{"column": {"name": "a", "type": "int"}}]
    changes = [{"createTable": {"tableName": "t", "columns": columns}}]
    document = {"databaseChangeLog": [{"changeSet": {"id": "1", "author": "a", "changes": changes}}]}
    (change,) = read({"changelog.json": json.dumps(document)})
    assert texts(change) == ['CREATE TABLE "t" ("a" int)']


CHANGES = {
    '<dropTable tableName="T" cascadeConstraints="true"/>': ['DROP TABLE "t" CASCADE'],
    '<dropColumn tableName="t" columnName="aB"/>': ['ALTER TABLE "t" DROP COLUMN "aB"'],
    '<dropColumn tableName="t"><column name="a"/><column name="b"/></dropColumn>': [
        'ALTER TABLE "t" DROP COLUMN "a"',
        'ALTER TABLE "t" DROP COLUMN "b"',
    ],
    '<renameTable oldTableName="a" newTableName="b" schemaName="s"/>': ['ALTER TABLE "s"."a" RENAME TO "b"'],
    '<renameColumn tableName="t" oldColumnName="a" newColumnName="b"/>': ['ALTER TABLE "t" RENAME COLUMN "a" TO "b"'],
    '<modifyDataType tableName="t" columnName="a" newDataType="varchar2(9)"/>': [
        'ALTER TABLE "t" ALTER COLUMN "a" TYPE varchar(9)'
    ],
    '<addNotNullConstraint tableName="t" columnName="a" defaultNullValue="x"/>': [
        'UPDATE "t" SET "a" = \'x\' WHERE "a" IS NULL',
        'ALTER TABLE "t" ALTER COLUMN "a" SET NOT NULL',
    ],
    '<dropNotNullConstraint tableName="t" columnName="a"/>': ['ALTER TABLE "t" ALTER COLUMN "a" DROP NOT NULL'],
    '<addDefaultValue tableName="t" columnName="a" defaultValueNumeric="1"/>': [
        'ALTER TABLE "t" ALTER COLUMN "a" SET DEFAULT 1'
    ],
    '<dropDefaultValue tableName="t" columnName="a"/>': ['ALTER TABLE "t" ALTER COLUMN "a" DROP DEFAULT'],
    '<addPrimaryKey tableName="t" columnNames="a, b" constraintName="c"/>': [
        'ALTER TABLE "t" ADD CONSTRAINT "c" PRIMARY KEY ("a", "b")'
    ],
    '<addAutoIncrement tableName="t" columnName="a" columnDataType="int"/>': [
        'ALTER TABLE "t" ALTER COLUMN "a" ADD GENERATED BY DEFAULT AS IDENTITY'
    ],
    '<dropPrimaryKey tableName="t" constraintName="c"/>': ['ALTER TABLE "t" DROP CONSTRAINT "c"'],
    '<addUniqueConstraint tableName="t" columnNames="a"/>': ['ALTER TABLE "t" ADD UNIQUE ("a")'],
    '<dropUniqueConstraint tableName="t" constraintName="c"/>': ['ALTER TABLE "t" DROP CONSTRAINT "c"'],
    '<addForeignKeyConstraint baseTableName="t" baseColumnNames="a" referencedTableName="u" referencedColumnNames="b" '
    'constraintName="c" onDelete="CASCADE"/>': [
        'ALTER TABLE "t" ADD CONSTRAINT "c" FOREIGN KEY ("a") REFERENCES "u" ("b") ON DELETE CASCADE'
    ],
    '<dropForeignKeyConstraint baseTableName="t" constraintName="c"/>': ['ALTER TABLE "t" DROP CONSTRAINT "c"'],
    '<createIndex indexName="i" tableName="t" unique="true"><column name="a" descending="true"/><column name="b"/>'
    "</createIndex>": ['CREATE UNIQUE INDEX "i" ON "t" ("a" DESC, "b")'],
    '<dropIndex indexName="i" tableName="t"/>': ['DROP INDEX "i"'],
    '<createView viewName="v" replaceIfExists="true">SELECT 1;</createView>': [
        'CREATE OR REPLACE VIEW "v" AS SELECT 1'
    ],
    '<dropView viewName="v"/>': ['DROP VIEW "v"'],
    '<createSequence sequenceName="s" startValue="5"/>': ['CREATE SEQUENCE "s" START WITH 5'],
    '<insert tableName="t"><column name="a" value="x"/><column name="b" valueNumeric="1"/><column name="c"/>'
    "</insert>": ['INSERT INTO "t" ("a", "b", "c") VALUES (\'x\', 1, NULL)'],
    '<update tableName="t"><column name="a" valueComputed="b + 1"/><where>c = 1</where></update>': [
        'UPDATE "t" SET "a" = b + 1 WHERE c = 1'
    ],
    '<insert tableName="t"><column name="a" value="${x}"/></insert>': ['INSERT INTO "t" ("a") VALUES (\'${x}\')'],
    '<delete tableName="t"/>': ['DELETE FROM "t"'],
    "<sql>a; b</sql>": ["a", "b"],
    '<sql dbms="oracle">a</sql>': [],
    '<sql endDelimiter="//"><![CDATA[a < b; c//d]]></sql>': ["a < b; c", "d"],
    "<createProcedure>CREATE PROCEDURE p() AS $$ a; $$;</createProcedure>": ["CREATE PROCEDURE p() AS $$ a; $$;"],
    '<tagDatabase tag="x"/>': [],
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.items())
def test_change_types(change: str, expected: list[str]) -> None:
    (found,) = read({"changelog.xml": change_set(change)})
    assert texts(found) == expected
    assert not reasons(found)


@pytest.mark.parametrize(
    ("engine", "change", "expected"),
    [
        (Engine.MYSQL, '<dropPrimaryKey tableName="t"/>', "ALTER TABLE `t` DROP PRIMARY KEY"),
        (Engine.MYSQL, '<dropIndex indexName="i" tableName="t"/>', "DROP INDEX `i` ON `t`"),
        (
            Engine.MYSQL,
            '<addNotNullConstraint tableName="t" columnName="a" columnDataType="int"/>',
            "ALTER TABLE `t` MODIFY `a` int NOT NULL",
        ),
        (
            Engine.ORACLE,
            '<createTable tableName="t"><column name="a" type="varchar(9)"/></createTable>',
            'CREATE TABLE "T" ("A" varchar2(9))',
        ),
        (
            Engine.ORACLE,
            '<dropNotNullConstraint tableName="t" columnName="a"/>',
            'ALTER TABLE "T" MODIFY "A" NULL',
        ),
        (Engine.SQLSERVER, '<renameTable oldTableName="a" newTableName="b"/>', "EXEC sp_rename 'a', 'b'"),
        (
            Engine.SQLSERVER,
            '<modifyDataType tableName="t" columnName="a" newDataType="boolean"/>',
            "ALTER TABLE [t] ALTER COLUMN [a] bit",
        ),
        (Engine.DB2, '<renameTable oldTableName="a" newTableName="b"/>', 'RENAME TABLE "A" TO "B"'),
    ],
)
def test_change_types_of_other_engines(engine: Engine, change: str, expected: str) -> None:
    (found,) = read({"changelog.xml": change_set(change)}, engine)
    assert texts(found) == [expected]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ('<customChange class="x"/>', "customChange is not read"),
        ('<executeCommand executable="x"/>', "executeCommand is not read"),
        ('<loadData tableName="t" file="x.csv"/>', "loadData is not read"),
        ('<sqlFile path="x.sql"/>', "sqlFile names 'x.sql', which the release does not hold"),
        ('<dropTable tableName="t" ghost="x"/>', "dropTable has ghost, which is not read"),
        ("<dropTable/>", "dropTable has no tableName"),
        (
            '<createTable tableName="t"><column name="a" type="1"/></createTable>',
            "column has the type 1, which is not read",
        ),
        ('<createTable tableName="t"/>', "createTable has no column"),
        ("<sql>a ${x}</sql>", "${x} has no value"),
        ('<insert tableName="${x}"><column name="a" value="b"/></insert>', "${x} has no value"),
        ('<update tableName="t"><column name="a" valueComputed="${x}"/></update>', "${x} has no value"),
        ('<sql>a</sql><modifySql><regExpReplace replace="a" with="b"/></modifySql>', "modifySql changes its SQL"),
        (
            '<preConditions onFail="MARK_RAN"><sqlCheck expectedResult="0">a</sqlCheck></preConditions><sql>a</sql>',
            "its preconditions may skip it: sqlCheck",
        ),
    ],
)
def test_changes_that_cannot_be_told_are_not_understood(change: str, reason: str) -> None:
    assert reasons(*read({"changelog.xml": change_set(change)})) == [reason]


@pytest.mark.parametrize(
    ("condition", "change", "expected"),
    [
        (
            '<not><tableExists tableName="t"/></not>',
            '<createTable tableName="t"><column name="a" type="int"/></createTable>',
            ['CREATE TABLE IF NOT EXISTS "t" ("a" int)'],
        ),
        ('<tableExists tableName="t"/>', '<dropTable tableName="t"/>', ['DROP TABLE IF EXISTS "t"']),
        (
            '<columnExists tableName="t" columnName="a"/>',
            '<dropColumn tableName="t" columnName="a"/>',
            ['ALTER TABLE "t" DROP COLUMN IF EXISTS "a"'],
        ),
        ('<dbms type="postgresql"/>', "<sql>a</sql>", ["a"]),
    ],
)
def test_a_condition_that_passes_over_what_is_there(condition: str, change: str, expected: list[str]) -> None:
    text = change_set(f'<preConditions onFail="MARK_RAN">{condition}</preConditions>{change}')
    (found,) = read({"changelog.xml": text})
    assert texts(found) == expected
    assert not reasons(found)


def test_conditions_of_which_one_has_to_hold() -> None:
    terms = '<or><not><tableExists tableName="t"/></not><columnExists tableName="t" columnName="a"/></or>'
    condition = f'<preConditions onFail="MARK_RAN">{terms}</preConditions>'
    (found,) = read({"changelog.xml": change_set(f'{condition}<dropTable tableName="t"/>')})
    assert texts(found) == ['DROP TABLE IF EXISTS "t"']
    assert not reasons(found)


def test_sql_is_modified_for_some_databases() -> None:
    modified = (
        '<dropTable tableName="t"/><modifySql dbms="postgresql"><append value=" CASCADE"/>'
        '<replace with="VIEW" replace="TABLE"/></modifySql><modifySql dbms="mysql"><prepend value="x"/></modifySql>'
    )
    (found,) = read({"changelog.xml": change_set(modified)})
    assert texts(found) == ['DROP VIEW "t" CASCADE']
    changes = "[{sql: {sql: a}}, {modifySql: {dbms: postgresql, append: {value: b}}}]"
    text = f"databaseChangeLog:\n- changeSet: {{id: 1, author: a, validCheckSum: x, changes: {changes}}}\n"
    assert texts(*read({"changelog.yaml": text})) == ["ab"]


def test_names_stay_as_written_if_the_changelog_says_so() -> None:
    text = change_set('<dropTable tableName="ORDERS"/>', 'objectQuotingStrategy="QUOTE_ALL_OBJECTS"')
    assert texts(*read({"changelog.xml": text})) == ['DROP TABLE "ORDERS"']


def test_what_says_nothing_here_may_be_removed() -> None:
    remove = '<removeChangeSetProperty change="addColumn" dbms="postgresql" remove="afterColumn"/>'
    assert read({"changelog.xml": xml(remove)}) == ()


def test_a_changelog_that_no_other_one_names_is_the_first() -> None:
    files = {"0-orders.xml": xml('<include file="db/1.sql"/>'), "1.sql": formatted("--changeset a:1\nb;\n")}
    assert [each.id for each in read(files)] == ["db/1.sql::1::a"]


def test_a_condition_for_another_database_leaves_it_out() -> None:
    condition = '<preConditions onFail="MARK_RAN"><dbms type="oracle"/></preConditions>'
    assert read({"changelog.xml": change_set(f"{condition}<sql>a</sql>")}) == ()
    either = condition.replace('<dbms type="oracle"/>', '<or><dbms type="oracle"/><dbms type="mysql"/></or>')
    assert read({"changelog.xml": change_set(f"{either}<sql>a</sql>")}) == ()
    assert [texts(each) for each in read({"changelog.xml": change_set(f"{either}<sql>a</sql>")}, Engine.MYSQL)] == [
        ["a"]
    ]


def test_places_in_xml_and_yaml() -> None:
    (change,) = read({"changelog.xml": change_set("<sql>\n  a;\n <![CDATA[ b ]]>;</sql>\n<dropTable tableName='t'/>")})
    assert [(each.place.line, each.place.column) for each in change.statements] == [(2, 3), (3, 12), (4, 1)]
    text = (
        "databaseChangeLog:\n- changeSet:\n    id: 1\n    author: a\n    changes:\n"
        "    - sql:\n        sql: |\n          a;\n            b;\n"
    )
    (change,) = read({"changelog.yaml": text})
    assert [(each.place.line, each.place.column) for each in change.statements] == [(8, 11), (9, 13)]


def test_rollbacks_of_changelogs() -> None:
    one = change_set("<sql>a</sql><rollback>b; c</rollback>")
    assert undo(*read({"changelog.xml": one})) == ["b", "c"]
    assert undo(*read({"changelog.xml": change_set("<sql>a</sql><rollback/>")})) == []
    assert undo(*read({"changelog.xml": change_set("<sql>a</sql>")})) is None
    assert undo(
        *read({"changelog.xml": change_set('<sql>a</sql><rollback><dropTable tableName="t"/></rollback>')})
    ) == ['DROP TABLE "t"']
    assert undo(*read({"changelog.xml": change_set('<sql>a</sql><rollback changeSetId="1"/>')})) == ["rollback"]
    text = "databaseChangeLog:\n- changeSet: {id: 1, author: a, changes: [{sql: {sql: a}}], rollback: b}\n"
    assert undo(*read({"changelog.yaml": text})) == ["b"]


def test_changelogs_include_others_under_conditions() -> None:
    files = {
        "changelog.xml": xml(
            '<include file="db/a.yaml" contextFilter="x"/><include file="sub/b.sql" '
            'relativeToChangelogFile="true" labels="l" logicalFilePath="l.sql"/>'
            '<includeAll path="more" relativeToChangelogFile="true"/>'
        ),
        "a.yaml": "databaseChangeLog:\n- changeSet: {id: 1, author: a, context: y, changes: [{sql: {sql: a}}]}\n",
        "sub/b.sql": formatted("--changeset b:1\nb;\n"),
        "more/2.sql": "d;",
        "more/1.sql": formatted("--changeset b:1\nc;\n"),
    }
    changes = read(files)
    assert [each.id for each in changes] == [
        "db/a.yaml::1::a",
        "l.sql::1::b",
        "db/more/1.sql::1::b",
        "db/more/2.sql::raw::includeAll",
    ]
    assert [each.contexts for each in changes] == ["(x) and (y)", "", "", ""]
    assert changes[1].labels == "l"


def test_what_decides_what_is_run_decides_the_digest() -> None:
    def digest(text: str, *, content: str = "a;", p: str) -> str:
        (change,) = read({"changelog.xml": text, "f.sql": content}, p=p)
        return change.digest

    text = change_set('<sqlFile path="f.sql" relativeToChangelogFile="true"/><sql>${p}</sql>')
    same = digest(text, p="1")
    assert digest(text.replace("><sql>", ">\n<comment>c</comment><sql>"), p="1") == same
    assert digest(text.replace("</changeSet>", "<rollback>x</rollback></changeSet>"), p="1") == same
    assert digest(text, p="2") != same
    assert digest(text, p="1", content="b;") != same
    assert digest(text.replace('author="a"', 'author="a" context="c"'), p="1") != same


def test_properties_hold_from_their_first_definition_on() -> None:
    files = {
        "changelog.xml": xml(
            '<property name="t" value="one" dbms="oracle"/><property name="t" value="two"/>'
            '<property name="t" value="three"/><property name="u" value="x" context="c"/><property name="u" value="y"/>'
            '<changeSet id="1" author="a"><dropTable tableName="${t}"/><sql>b ${given}; c ${u}</sql></changeSet>'
        )
    }
    (change,) = read(files, given="g")
    assert texts(change) == ['DROP TABLE "two"', "b g", "c ${u}"]
    assert reasons(change) == ["${u} has no value"]


ALIASES = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
BOMB = '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><databaseChangeLog>&b;</databaseChangeLog>'


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"changelog.xml": BOMB}, "db/changelog.xml:1:13: expected no document type"),
        ({"changelog.xml": "<a>"}, "db/changelog.xml:1:4: expected XML: no element found"),
        ({"changelog.xml": "<a/>"}, "db/changelog.xml:1:1: expected a databaseChangeLog, found 'a'"),
        ({"changelog.xml": "<a>" * 100}, "db/changelog.xml:1:193: expected at most 64 levels"),
        ({"changelog.yaml": ALIASES}, "db/changelog.yaml:6:40: expected at most 250,000 nodes"),
        ({"changelog.yaml": "databaseChangeLog: [\n"}, "db/changelog.yaml:2:1: expected YAML"),
        ({"changelog.yaml": "a: !!python/object:os.system x"}, "db/changelog.yaml:1:4: expected a tag"),
        ({"changelog.xml": xml('<changeSet author="a"/>')}, "db/changelog.xml:1:72: expected a change set with id"),
        ({"changelog.xml": xml("<removeChangeSetProperty/>")}, "db/changelog.xml:1:72: expected a change set, found"),
        ({"changelog.xml": xml('<include file="x.xml"/>')}, "db/changelog.xml:1:72: expected the file"),
        (
            {"changelog.xml": xml('<include file="../../x.xml"/>')},
            "db/changelog.xml:1:72: expected the file",
        ),
        (
            {"changelog.xml": xml('<includeAll path="x" filter="y"/>')},
            "db/changelog.xml:1:72: expected includeAll with",
        ),
        ({"changelog.xml": xml('<includeAll path="x"/>')}, "db/changelog.xml:1:72: expected changelogs in 'x'"),
        (
            {"changelog.xml": xml('<include file="changelog.xml"/>')},
            "db/changelog.xml:1:1: expected changelogs that do not",
        ),
        (
            {"changelog.xml": xml('<include file="a.sql"/><include file="a.sql"/>'), "a.sql": "x"},
            "db/a.sql:1:1: expected each changelog to be included once",
        ),
        (
            {"changelog.sql": formatted("--changeset a:1\nb;\n--changeset a:1\nc;")},
            "db/changelog.sql:4:1: expected each change set once, found 'db/changelog.sql::1::a' at db/changelog.sql:2",
        ),
        ({"changelog.sql": formatted("--changeset a\nb;")}, "db/changelog.sql:2:1: expected --changeset author:id"),
        (
            {"changelog.sql": formatted("DROP TABLE a;")},
            "db/changelog.sql:2:1: expected --changeset author:id before SQL",
        ),
        ({"changelog.sql": formatted("--changeset a:1\n'")}, "db/changelog.sql:3:1: expected a closing '"),
        ({"a.xml": xml(""), "b.xml": xml("")}, "db: expected one changelog to begin with, found db/a.xml, db/b.xml"),
    ],
)
def test_what_cannot_be_read_is_refused(files: dict[str, str], problem: str) -> None:
    assert refused(files)[0].startswith(problem)


def test_properties_that_grow_are_refused() -> None:
    grown = "".join(f'<property name="p{n + 1}" value="${{p{n}}}${{p{n}}}"/>' for n in range(40))
    problem = refused({"changelog.xml": xml(f'<property name="p0" value="lol"/>{grown}')})[0]
    assert "expected properties of at most 10,000 characters, 1,000,000 together" in problem
    many = "".join(f'<property name="p{n}" value="{"x" * 10_000}"/>' for n in range(101))
    assert "1,000,000 together" in refused({"changelog.xml": xml(many)})[0]


def test_a_changelog_that_is_read_alone_may_lack_what_it_includes() -> None:
    twice = '<changeSet id="1" author="a" context="b"/><changeSet id="1" author="a" context="c"/>'
    files = {"x/a.xml": xml(f'<include file="b.sql"/><includeAll path="y"/>{twice}').encode()}
    include, include_all, *same = read_files(files, ENGINE)
    assert reasons(include, include_all) == ["not given: the file 'b.sql'", "not given: changelogs in 'y'"]
    assert [each.id for each in same] == ["x/a.xml::1::a", "x/a.xml::1::a (c)"]
    assert refused({"changelog.xml": xml(twice)})[0].startswith("db/changelog.xml:1:")


BITS = [
    "'",
    '"',
    "$$",
    "/*",
    "*/",
    "--",
    "\n",
    ";",
    "${x}",
    "<",
    ">",
    "&",
    "]]>",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "|",
    "*a",
    "&a ",
]


@given(data=st.data(), form=st.sampled_from([*CREATE, "sql"]))
def test_a_damaged_changelog_is_read_or_refused(data: st.DataObject, form: str) -> None:
    text = CREATE.get(form) or formatted("--changeset a:1 endDelimiter:// labels:x\nb//\n--rollback c\n")
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 20, len(text))))
        text = text[:start] + data.draw(st.sampled_from(["", *BITS])) + text[end:]
    with contextlib.suppress(UnreadableChanges):
        assert all(each.digest for each in read_files({f"a.{form}": text.encode()}, ENGINE))


def test_files_tell_the_format() -> None:
    assert format_of({"db/a.sql": formatted("").encode()}, "db") is Format.LIQUIBASE
    assert format_of({"db/a.xml": xml("").encode()}, "db") is Format.LIQUIBASE
    assert format_of({"db/a.xml": xml("").encode()}, "db/a.xml") is Format.LIQUIBASE


def test_two_formats_in_a_directory_are_refused() -> None:
    with pytest.raises(UnreadableChanges, match=r"db: expected one format, found db/a\.xml and db/V1__b\.sql"):
        format_of({"db/a.xml": xml("").encode(), "db/V1__b.sql": b""}, "db")
    formatted_alone = {"db/V1__b.sql": formatted("").encode()}
    assert format_of(formatted_alone, "db") is Format.LIQUIBASE


def test_changelogs_by_themselves_are_read_once() -> None:
    files = {
        "x/a.xml": xml('<include file="b.sql" relativeToChangelogFile="true"/>').encode(),
        "x/b.sql": formatted("--changeset a:1\nb;\n").encode(),
        "x/c.sql": b"c;",
    }
    assert [each.id for each in read_files(files, ENGINE)] == ["x/b.sql::1::a", "x/c.sql"]
