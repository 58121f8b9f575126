"""The table of write-only properties is what the schemas say that cfn-lint carries."""

from write_only import TABLE, table


def test_the_table_is_current() -> None:
    assert TABLE.read_text() == table(), "run python -m tests.conventions.write_only"
