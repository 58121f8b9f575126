"""Commands that engines' command-line clients run themselves instead of sending them on; never run here.

Sources: https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMANDS,
https://dev.mysql.com/doc/refman/8.4/en/mysql-commands.html,
https://docs.oracle.com/en/database/oracle/oracle-database/23/sqpug/SQL-Plus-command-summary.html,
https://learn.microsoft.com/sql/tools/sqlcmd/sqlcmd-commands,
https://www.ibm.com/docs/en/db2/11.5?topic=commands-command-line-processor-clp
"""

from enum import StrEnum
from typing import Final

from belay.sql.changes import Engine


class ClientCommand(StrEnum):
    """The effect of a line for a client."""

    REFUSED = "refused"
    """It reads files, runs programs or connects elsewhere."""
    PASSED_OVER = "passed over"
    """It only changes the client's display or settings."""
    ONE_LINE = "one line"
    """It is sent to the database, and ends with its line."""
    TERMINATOR = "terminator"
    """It changes the terminator of statements."""


_PLUS_REFUSED: Final = (
    "APPEND ARCHIVE ATTRIBUTE CONNECT CONN COPY EDIT ED GET HOST HO PASSWORD PASSW "
    "RECOVER RUN SAVE SAV SHUTDOWN START STA STARTUP STORE XQUERY"
)
_PLUS_SHOWN: Final = (
    "ACCEPT ACC BREAK BRE BTITLE BTI CLEAR CL COLUMN COL COMPUTE COMP DEFINE DEF DESCRIBE DESC DISCONNECT EXIT HELP "
    "HISTORY PAUSE PAU PRINT PRI PROMPT PRO QUIT REM REMARK REPFOOTER REPHEADER SET SHOW SHO SPOOL SPO TIMING TIMI "
    "TTITLE TTI UNDEFINE UNDEF VARIABLE VAR WHENEVER"
)
_WORDS: Final = {
    Engine.MYSQL: {
        ClientCommand.REFUSED: "CONNECT EDIT NOTEE PAGER NOPAGER SOURCE SYSTEM TEE QUERY_ATTRIBUTES",
        ClientCommand.TERMINATOR: "DELIMITER",
    },
    Engine.ORACLE: {
        ClientCommand.REFUSED: _PLUS_REFUSED,
        ClientCommand.PASSED_OVER: _PLUS_SHOWN,
        ClientCommand.ONE_LINE: "EXEC EXECUTE",
    },
    Engine.SQLSERVER: {ClientCommand.PASSED_OVER: "EXIT QUIT"},
    Engine.DB2: {
        ClientCommand.REFUSED: "ATTACH CONNECT DB2 DETACH DISCONNECT EXPORT IMPORT INGEST LOAD",
        ClientCommand.PASSED_OVER: "ECHO QUIT TERMINATE",
    },
}
_WORDS[Engine.MARIADB] = _WORDS[Engine.MYSQL]
_COMMANDS: Final = {
    engine: {word: command for command, words in commands.items() for word in words.split()}
    for engine, commands in _WORDS.items()
}
_SQL_SET: Final = frozenset({"ROLE", "TRANSACTION", "CONSTRAINT", "CONSTRAINTS"})
"""What follows SET in Oracle's own SQL."""


def client_command(engine: Engine, word: str, following: str) -> ClientCommand | None:
    """Return what a statement beginning with these two words means to the engine's client; None if it is SQL."""
    if word == "SET" and following in _SQL_SET:
        return None
    return _COMMANDS.get(engine, {}).get(word)


FILE_ACCESS: Final = {
    Engine.POSTGRESQL: frozenset(
        {"PG_READ_FILE", "PG_READ_BINARY_FILE", "PG_LS_DIR", "PG_STAT_FILE", "LO_IMPORT", "LO_EXPORT"}
    ),
    Engine.MYSQL: frozenset({"LOAD_FILE", "OUTFILE", "DUMPFILE", "INFILE"}),
    Engine.MARIADB: frozenset({"LOAD_FILE", "OUTFILE", "DUMPFILE", "INFILE"}),
    Engine.ORACLE: frozenset({"BFILENAME", "UTL_FILE"}),
    Engine.SQLSERVER: frozenset({"XP_CMDSHELL", "OPENROWSET", "OPENDATASOURCE", "SP_OACREATE"}),
    Engine.DB2: frozenset[str](),
}
"""Names through which SQL reads or writes the server's files or runs its programs."""
