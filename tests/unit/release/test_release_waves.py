from hypothesis import given
from hypothesis import strategies as st

from belay.release.records import Outcome
from belay.release.waves import in_words, stages_before, stages_of, wave_of, worst_of

WAVES = (("test",), ("eu", "us"), ("production",))
OUTCOMES = st.lists(st.sampled_from(Outcome), min_size=1, max_size=5)


def test_the_order_is_that_of_the_waves() -> None:
    assert stages_of(WAVES) == ("test", "eu", "us", "production")
    assert in_words(WAVES) == "test, then eu and us, then production"


def test_what_is_before_a_stage_is_in_earlier_waves() -> None:
    assert stages_before(WAVES, "test") == ()
    assert stages_before(WAVES, "eu") == stages_before(WAVES, "us") == ("test",)
    assert stages_before(WAVES, "production") == ("test", "eu", "us")


def test_a_stage_that_is_in_no_wave_is_one_of_its_own() -> None:
    assert (wave_of(WAVES, "us"), wave_of(WAVES, "gone")) == (("eu", "us"), ("gone",))
    assert stages_before(WAVES, "gone") == ()


@given(OUTCOMES)
def test_a_wave_is_deployed_if_all_of_it_is_and_asks_for_a_person_if_any_of_it_does(outcomes: list[Outcome]) -> None:
    assert (worst_of(outcomes) is Outcome.DEPLOYED) == ({*outcomes} == {Outcome.DEPLOYED})
    assert (worst_of(outcomes) is Outcome.NEEDS_OPERATOR) == (Outcome.NEEDS_OPERATOR in outcomes)
    assert worst_of(outcomes) in outcomes
