"""The words that are names in each engine only if quoted, in lower case.

PostgreSQL: https://www.postgresql.org/docs/18/sql-keywords-appendix.html, MySQL:
https://dev.mysql.com/doc/refman/8.4/en/keywords.html, MariaDB:
https://mariadb.com/docs/server/reference/sql-structure/sql-language-structure/reserved-words, Oracle:
https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/Oracle-SQL-Reserved-Words.html, SQL Server:
https://learn.microsoft.com/en-us/sql/t-sql/language-elements/reserved-keywords-transact-sql. Db2 accepts any word as a
name, and advises against those of the standard:
https://www.ibm.com/docs/en/db2/12.1.0?topic=sql-reserved-schema-names-reserved-words
"""

from collections.abc import Mapping
from typing import Final

from belay.sql.changes import Engine

_POSTGRESQL: Final = frozenset(
    "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation "
    "column concurrently constraint create cross current_catalog current_date current_role current_schema "
    "current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for "
    "foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral "
    "leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps "
    "placing primary references returning right select session_user similar some symmetric system_user table "
    "tablesample then to trailing true union unique user using variadic verbose when where window with".split()
)

_MYSQL: Final = frozenset(
    "accessible add all alter analyze and as asc asensitive before between bigint binary blob both by call cascade "
    "case change char character check collate column condition constraint continue convert create cross cube "
    "cume_dist current_date current_time current_timestamp current_user cursor database databases day_hour "
    "day_microsecond day_minute day_second dec decimal declare default delayed delete dense_rank desc describe "
    "deterministic distinct distinctrow div double drop dual each else elseif empty enclosed escaped except exists "
    "exit explain false fetch first_value float float4 float8 for force foreign from fulltext function generated get "
    "grant group grouping groups having high_priority hour_microsecond hour_minute hour_second if ignore in index "
    "infile inner inout insensitive insert int int1 int2 int3 int4 int8 integer intersect interval into "
    "io_after_gtids io_before_gtids is iterate join json_table key keys kill lag last_value lateral lead leading "
    "leave left like limit linear lines load localtime localtimestamp lock long longblob longtext loop low_priority "
    "manual master_bind master_ssl_verify_server_cert match maxvalue mediumblob mediumint mediumtext middleint "
    "minute_microsecond minute_second mod modifies natural no_write_to_binlog not nth_value ntile null numeric of on "
    "optimize optimizer_costs option optionally or order out outer outfile over parallel partition percent_rank "
    "precision primary procedure purge qualify range rank read read_write reads real recursive references regexp "
    "release rename repeat replace require resignal restrict return revoke right rlike row row_number rows schema "
    "schemas second_microsecond select sensitive separator set show signal smallint spatial specific sql "
    "sql_big_result sql_calc_found_rows sql_small_result sqlexception sqlstate sqlwarning ssl starting stored "
    "straight_join system table tablesample terminated then tinyblob tinyint tinytext to trailing trigger true undo "
    "union unique unlock unsigned update usage use using utc_date utc_time utc_timestamp values varbinary varchar "
    "varcharacter varying virtual when where while window with write xor year_month zerofill".split()
)

_NOT_IN_MARIADB: Final = frozenset(
    "cume_dist empty groups lateral manual of parallel qualify system tablesample".split()
)

_ORACLE: Final = frozenset(
    "access add all alter and any as asc audit between by char check cluster column column_value comment compress "
    "connect create current date decimal default delete desc distinct drop else exclusive exists file float for from "
    "grant group having identified immediate in increment index initial insert integer intersect into is level like "
    "lock long maxextents minus mlslabel mode modify nested_table_id noaudit nocompress not nowait null number of "
    "offline on online option or order pctfree prior public raw rename resource revoke row rowid rownum rows select "
    "session set share size smallint start successful synonym sysdate table then to trigger uid union unique update "
    "user validate values varchar varchar2 view whenever where with".split()
)

_SQLSERVER: Final = frozenset(
    "add all alter and any as asc authorization backup begin between break browse bulk by cascade case check "
    "checkpoint close clustered coalesce collate column commit compute constraint contains containstable continue "
    "convert create cross current current_date current_time current_timestamp current_user cursor database dbcc "
    "deallocate declare default delete deny desc disk distinct distributed double drop dump else end errlvl escape "
    "except exec execute exists exit external fetch file fillfactor for foreign freetext freetexttable from full "
    "function goto grant group having holdlock identity identity_insert identitycol if in index inner insert "
    "intersect into is join key kill left like lineno load merge national nocheck nonclustered not null nullif of off "
    "offsets on open opendatasource openquery openrowset openxml option or order outer over percent pivot plan "
    "precision primary print proc procedure public raiserror read readtext reconfigure references replication restore "
    "restrict return revert revoke right rollback rowcount rowguidcol rule save schema securityaudit select "
    "semantickeyphrasetable semanticsimilaritydetailstable semanticsimilaritytable session_user set setuser shutdown "
    "some statistics system_user table tablesample textsize then to top tran transaction trigger truncate try_convert "
    "tsequal union unique unpivot update updatetext use user values varying view waitfor when where while with "
    "writetext".split()
)

_DB2: Final = frozenset(
    "all alter and any as begin between by call case cast check column commit constraint create cross current_date "
    "current_time current_timestamp cursor default delete desc distinct drop else end except exists fetch for foreign "
    "from full grant group having in inner insert intersect into is join left like not null on or order outer primary "
    "references revoke right rollback select set table then to union unique update user values view when where "
    "with".split()
)

RESERVED: Final[Mapping[Engine, frozenset[str]]] = {
    Engine.POSTGRESQL: _POSTGRESQL,
    Engine.MYSQL: _MYSQL,
    Engine.MARIADB: _MYSQL - _NOT_IN_MARIADB,
    Engine.ORACLE: _ORACLE,
    Engine.SQLSERVER: _SQLSERVER,
    Engine.DB2: _DB2,
}
