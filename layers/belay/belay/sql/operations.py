"""What statements do to a database: a closed set of operations, the same for every engine.

A statement is understood as a whole, as a list of these, or not at all (:class:`NotUnderstood`).
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a table, index or other object, folded as the engine compares names; ``schema`` may be empty."""

    name: str
    schema: str = ""

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class SqlType:
    """A column's type in the engine's canonical spelling: ``varchar`` with the arguments ``("20",)``."""

    name: str
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.arguments)})" if self.arguments else self.name


class DefaultKind(StrEnum):
    """What a default costs: a constant or stable one is stored once, a volatile one is computed for every row."""

    NONE = "none"
    CONSTANT = "constant"
    VOLATILE = "volatile"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Default:
    """A column's default: its text as written, and its kind."""

    kind: DefaultKind = DefaultKind.NONE
    text: str = ""


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column as it is declared.

    ``identity`` is one that numbers rows, ``generated`` one that is computed and stored, ``virtual`` one that is
    computed when read; the expression of both is their default.
    """

    name: str
    type: SqlType
    nullable: bool = True
    default: Default = Default()
    identity: bool = False
    generated: bool = False
    collation: str = ""
    virtual: bool = False


class ConstraintKind(StrEnum):
    """The kinds of constraints that are named and dropped. (A default is one in SQL Server.)"""

    PRIMARY_KEY = "primary key"
    UNIQUE = "unique"
    FOREIGN_KEY = "foreign key"
    CHECK = "check"
    EXCLUDE = "exclude"
    NOT_NULL = "not null"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class ConstraintDefinition:
    """A constraint as it is declared.

    ``name`` is empty if the engine names it. ``validated`` is false for ``NOT VALID`` and ``NOCHECK``. ``columns`` are
    those it is on, in order; ``references`` is a foreign key's table; ``expression`` is a check's, as written.
    ``using_index`` names an index that already exists and becomes the constraint's; ``online`` and ``included``
    are as an index's. ``inherited`` is false for ``NO INHERIT``, ``nulls_distinct`` for ``NULLS NOT DISTINCT``.
    """

    kind: ConstraintKind
    name: str = ""
    columns: tuple[str, ...] = ()
    references: Name | None = None
    referenced_columns: tuple[str, ...] = ()
    expression: str = ""
    validated: bool = True
    using_index: str = ""
    online: bool = False
    included: tuple[str, ...] = ()
    inherited: bool = True
    nulls_distinct: bool = True


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """An index: ``columns`` in order, with an expression as its text; ``included`` are not part of the key.

    ``online`` is true for ``CONCURRENTLY`` (PostgreSQL), ``ONLINE`` (Oracle, SQL Server) and MySQL's
    ``ALGORITHM=INPLACE, LOCK=NONE``. ``modifiers`` are what each column is stored with, or empty: ``desc``, an
    operator class, a length; two indexes on the same columns with other modifiers are two indexes.
    """

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    online: bool = False
    included: tuple[str, ...] = ()
    method: str = ""
    where: str = ""
    modifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateTable:
    """A new table. ``copied`` is true if it gets its rows from a query (``CREATE TABLE ... AS``).

    ``like`` and ``inherits`` are tables whose columns it gets too; with ``like_all`` also keys, indexes and defaults,
    with ``like_defaults`` the latter alone.
    """

    table: Name
    columns: tuple[ColumnDefinition, ...]
    constraints: tuple[ConstraintDefinition, ...] = ()
    indexes: tuple[IndexDefinition, ...] = ()
    if_not_exists: bool = False
    temporary: bool = False
    copied: bool = False
    partition_of: Name | None = None
    like: Name | None = None
    like_all: bool = False
    inherits: tuple[Name, ...] = ()
    like_defaults: bool = False


@dataclass(frozen=True, slots=True)
class DropTable:
    """A table that is dropped."""

    table: Name
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class RenameTable:
    """A table that is renamed."""

    table: Name
    to: Name


@dataclass(frozen=True, slots=True)
class Truncate:
    """A table that is emptied, or one ``partition`` of it."""

    table: Name
    cascade: bool = False
    partition: str = ""


@dataclass(frozen=True, slots=True)
class ChangeTable:
    """A property of a table that is neither column, key nor index, such as a trigger that is disabled."""

    table: Name
    property: str


@dataclass(frozen=True, slots=True)
class RewriteTable:
    """A table whose rows or indexes are all rewritten, and nothing else: ``how`` is ``vacuum full``, ``engine``."""

    table: Name
    how: str


@dataclass(frozen=True, slots=True)
class LockTable:
    """A table that is locked until the transaction ends; ``mode`` as written, in lower case."""

    table: Name
    mode: str


@dataclass(frozen=True, slots=True)
class AttachPartition:
    """A table that becomes a partition of another."""

    table: Name
    partition: Name


@dataclass(frozen=True, slots=True)
class DetachPartition:
    """A partition that becomes a table of its own."""

    table: Name
    partition: Name
    online: bool = False


@dataclass(frozen=True, slots=True)
class AddColumn:
    """A column that is added, with the constraints written on it."""

    table: Name
    column: ColumnDefinition
    constraints: tuple[ConstraintDefinition, ...] = ()
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropColumn:
    """A column that is dropped. ``only`` is true if tables that inherit from its table keep theirs."""

    table: Name
    column: str
    if_exists: bool = False
    cascade: bool = False
    only: bool = False


@dataclass(frozen=True, slots=True)
class RenameColumn:
    """A column that is renamed."""

    table: Name
    column: str
    to: str


@dataclass(frozen=True, slots=True)
class ChangeColumn:
    """What is changed of a column: None is left as it is. ``using`` is the expression that converts its values.

    ``only`` is true if nothing changes in tables that inherit from its table.
    """

    table: Name
    column: str
    type: SqlType | None = None
    nullable: bool | None = None
    default: Default | None = None
    using: str = ""
    online: bool = False
    identity: bool | None = None
    generated: bool | None = None
    only: bool = False


@dataclass(frozen=True, slots=True)
class AddConstraint:
    """A constraint that is added to an existing table; with ``only`` not to its partitions and inheriting tables."""

    table: Name
    constraint: ConstraintDefinition
    only: bool = False


@dataclass(frozen=True, slots=True)
class ValidateConstraint:
    """A constraint whose rows are checked now."""

    table: Name
    constraint: str


@dataclass(frozen=True, slots=True)
class DropConstraint:
    """A constraint that is dropped; ``kind`` is known if the engine has its own syntax for it.

    ``only`` is true if tables that inherit from its table keep theirs.
    """

    table: Name
    constraint: str
    kind: ConstraintKind | None = None
    if_exists: bool = False
    cascade: bool = False
    only: bool = False


@dataclass(frozen=True, slots=True)
class RenameConstraint:
    """A constraint that is renamed."""

    table: Name
    constraint: str
    to: str


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """An index that is added; with ``only`` not to the table's partitions."""

    table: Name
    index: IndexDefinition
    if_not_exists: bool = False
    only: bool = False


@dataclass(frozen=True, slots=True)
class DropIndex:
    """An index that is dropped; ``table`` is known in MySQL and SQL Server."""

    index: Name
    table: Name | None = None
    online: bool = False
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class RenameIndex:
    """An index that is renamed."""

    index: Name
    to: str
    table: Name | None = None


@dataclass(frozen=True, slots=True)
class CreateEnum:
    """An enumeration type."""

    type: Name
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddEnumValue:
    """A value that is added to an enumeration type, at its end or ``before`` or ``after`` another."""

    type: Name
    value: str
    if_not_exists: bool = False
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class RenameEnumValue:
    """A value of an enumeration type that is renamed."""

    type: Name
    value: str
    to: str


@dataclass(frozen=True, slots=True)
class RenameEnum:
    """A type that is renamed."""

    type: Name
    to: Name


class ObjectKind(StrEnum):
    """Objects whose contents the model does not hold."""

    DATABASE = "database"
    SCHEMA = "schema"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    SEQUENCE = "sequence"
    TYPE = "type"
    DOMAIN = "domain"
    FUNCTION = "function"
    PROCEDURE = "procedure"
    TRIGGER = "trigger"
    EXTENSION = "extension"
    POLICY = "policy"
    ROLE = "role"
    OWNED = "owned"
    TABLESPACE = "tablespace"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class CreateObject:
    """An object that is created or replaced and changes no table."""

    kind: ObjectKind
    name: Name
    replace: bool = False


@dataclass(frozen=True, slots=True)
class AlterObject:
    """An object that is changed; tables stay as they are."""

    kind: ObjectKind
    name: Name


@dataclass(frozen=True, slots=True)
class DropObject:
    """An object that is dropped. With ``cascade`` its dependents are dropped too; what a role owns is ``OWNED``."""

    kind: ObjectKind
    name: Name
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class WriteRows:
    """Rows that are written: ``verb`` is insert, update, delete, merge or copy.

    ``filtered`` is true if a condition restricts which. ``columns`` are those that an update assigns; ``literal`` is
    true if every row is in the statement itself.
    """

    table: Name
    verb: str
    filtered: bool
    columns: tuple[str, ...] = ()
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions, roles and users, or owners that are granted or revoked, as written."""

    text: str
    revoke: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """A session's or transaction's setting, such as ``lock_timeout``; names and values in lower case.

    MySQL's ``algorithm`` and ``lock`` apply only to their statement, and come first in it.
    """

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """``begin``, ``commit`` or ``rollback``."""

    verb: str


@dataclass(frozen=True, slots=True)
class Harmless:
    """A statement that changes neither the structure nor rows: a comment, a query, ``ANALYZE``; as a verb."""

    verb: str


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A statement that could not be fully read: why, and the names in it, which it may have changed.

    ``everything`` is true if what it changes cannot be determined (procedural code, dynamic SQL). ``table`` is the one
    it says it creates or alters.
    """

    reason: str
    names: tuple[Name, ...] = ()
    everything: bool = False
    table: Name | None = None


Operation = (
    CreateTable
    | DropTable
    | RenameTable
    | Truncate
    | ChangeTable
    | RewriteTable
    | LockTable
    | AttachPartition
    | DetachPartition
    | AddColumn
    | DropColumn
    | RenameColumn
    | ChangeColumn
    | AddConstraint
    | ValidateConstraint
    | DropConstraint
    | RenameConstraint
    | CreateIndex
    | DropIndex
    | RenameIndex
    | CreateEnum
    | AddEnumValue
    | RenameEnumValue
    | RenameEnum
    | CreateObject
    | AlterObject
    | DropObject
    | WriteRows
    | Grant
    | Setting
    | Transaction
    | Harmless
    | NotUnderstood
)
