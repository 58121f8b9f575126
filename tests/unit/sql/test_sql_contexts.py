import pytest

from belay.sql.contexts import applies


@pytest.mark.parametrize(
    ("contexts", "stages"),
    [
        ("", {"test", "production"}),
        ("  ", {"test", "production"}),
        ("production", {"production"}),
        ("@Production", {"production"}),
        ("test, production", {"test", "production"}),
        ("!test", {"production"}),
        ("not test", {"production"}),
        ("!(test or production)", set()),
        ("test and production", set()),
        ("test and !production", {"test"}),
        ("demo or test and !demo", {"test"}),
        ("(demo or test) and !test", set()),
        ("!!test", {"test"}),
    ],
)
def test_a_change_is_for_the_stages_that_its_contexts_name(contexts: str, stages: set[str]) -> None:
    assert {stage for stage in ("test", "production") if applies(contexts, stage)} == stages


@pytest.mark.parametrize(
    ("contexts", "said"),
    [
        ("test and", "the contexts 'test and': expected the name of a context, found the end"),
        ("(test", "the contexts '(test': expected a closing parenthesis, found the end"),
        ("test)", "the contexts 'test)': expected the end, found ')'"),
        ("test production", "the contexts 'test production': expected the end, found 'production'"),
        ("or", "the contexts 'or': expected the name of a context, found 'or'"),
        ("!" * 60 + "a", "expected at most 50 levels of parentheses and negations"),
    ],
)
def test_what_cannot_be_read_is_told(contexts: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^expected|^the contexts") as refused:
        applies(contexts, "test")
    assert str(refused.value) == said
