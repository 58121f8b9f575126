"""The table of write-only properties matches the schemas bundled with cfn-lint."""

from write_only import TABLE, table


def test_the_table_is_current() -> None:
    assert TABLE.read_text() == table(), "run python -m tests.conventions.write_only"
