"""A possible world, and the search through all of them.

What a template leaves open (a parameter's value, a condition) is a question. A computation that needs an answer asks
its :class:`World`, which gives one and records the alternatives; :func:`explore` runs the computation again for each of
them. So only questions that matter are asked, and answers are consistent within one run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar

from belay.template.values import Guard, Unknown

T = TypeVar("T")
H = TypeVar("H", bound=Hashable)

MAX_WORLDS = 512
"""Branches followed for one resource or one rule; the rest is reported as undecided."""

MAX_STEPS = 50_000
"""Expressions evaluated for one resource or one rule, over all its branches."""

MAX_STEPS_TOGETHER = 300_000
"""Expressions evaluated for one template and its nested templates: a malicious one is REVIEW after about a second."""

RUN_STEPS = 4
"""The cost of starting one run."""


class TooManyStepsError(Exception):
    """An expression is too large to evaluate; it is reported as undecided."""


class Budget:
    """The steps left for one exploration, out of those left for its template."""

    __slots__ = ("_whole", "steps")

    def __init__(self, steps: int = MAX_STEPS_TOGETHER, whole: Budget | None = None) -> None:
        self.steps = steps
        self._whole = whole

    def spend(self, steps: int = 1) -> None:
        """Use up steps; raises :class:`TooManyStepsError` when none are left."""
        self.steps -= steps
        if self.steps < 0:
            raise TooManyStepsError
        if self._whole is not None:
            self._whole.spend(steps)


class World:
    """The answers given so far in one run."""

    __slots__ = ("active", "answers", "budget", "memo", "others")

    def __init__(self, answers: Guard, budget: Budget) -> None:
        self.answers: dict[object, Any] = dict(answers)
        self.budget = budget
        self.others: list[dict[object, Any]] = []
        self.memo: dict[object, Any] = {}
        self.active: set[object] = set()

    def choose(self, question: Hashable, options: Sequence[H]) -> H:
        """Answer ``question`` with one of ``options``, always the same one in this world."""
        if question in self.answers:
            answer: H = self.answers[question]
            return answer
        # Of more options only the last would be tried, since no more runs are made.
        for other in options[1:][-MAX_WORLDS:]:
            self.others.append({**self.answers, question: other})
        self.answers[question] = options[0]
        return options[0]

    def equals(self, key: str, text: str) -> bool:
        """Answer whether the unknown of this key is ``text``; it cannot be two texts at once."""
        if key in self.answers:
            return bool(self.answers[key] == text)
        same = self.choose((key, text), (True, False))
        if same:
            self.answers[key] = text
        return same

    def pick(self, key: str, candidates: Collection[str]) -> str | None:
        """Answer which of ``candidates`` the unknown of this key is; ``None`` if it cannot be any of them."""
        if key in self.answers:
            answer = self.answers[key]
            return str(answer) if answer in candidates else None
        possible = [text for text in candidates if self.answers.get((key, text), True)]
        return self.choose(key, possible) if possible else None


class Branch(NamedTuple, Generic[T]):
    """The outcome of one run and the answers it depends on; no outcome if the search was abandoned."""

    guard: Guard
    outcome: T | None
    given_up: bool = False

    @property
    def reason(self) -> str:
        """Why there is no outcome."""
        if isinstance(self.outcome, Unknown):
            return self.outcome.reason
        return "it depends on more combinations of conditions than are tried"


def explore(run: Callable[[World], T], given: Guard | None = None, whole: Budget | None = None) -> Iterator[Branch[T]]:
    """Run a computation in every world that agrees with ``given``.

    The guards are mutually exclusive and together cover every case, unless the last branch says that the search was
    abandoned: after :data:`MAX_WORLDS` runs, :data:`MAX_STEPS` steps, or when ``whole`` is used up.
    """
    return _tried(run, given or {}, [given or {}], Budget(MAX_STEPS, whole))


def _tried(run: Callable[[World], T], given: Guard, pending: list[Guard], budget: Budget) -> Iterator[Branch[T]]:
    for _ in range(MAX_WORLDS):
        if not pending:
            return
        world = World(pending.pop(), budget)
        try:
            budget.spend(RUN_STEPS)
            outcome = run(world)
        except (TooManyStepsError, RecursionError):
            break
        yield Branch(world.answers, outcome)
        pending += world.others
    else:
        if not pending:
            return
    yield Branch(given, None, given_up=True)


class Explorer:
    """Explores computations of which most ask no questions; those share one world, instead of creating one each."""

    def __init__(self, whole: Budget) -> None:
        self._whole = whole
        self._unasked: World | None = None

    def explore(self, run: Callable[[World], T]) -> Iterator[Branch[T]]:
        """Run a computation in every world, as the function of this name does."""
        world = self._unasked or World({}, Budget(MAX_STEPS, self._whole))
        self._unasked = None
        try:
            outcome = run(world)
        except (TooManyStepsError, RecursionError):
            return explore(run, whole=self._whole)
        if world.answers:
            others = _tried(run, {}, [*world.others], Budget(MAX_STEPS, self._whole))
            return chain([Branch(world.answers, outcome)], others)
        self._unasked = world
        return iter([Branch({}, outcome)])


def agree(one: Guard, other: Guard) -> bool:
    """Whether two guards can hold at the same time."""
    if len(one) > len(other):
        one, other = other, one
    return all(other.get(question, answer) == answer for question, answer in one.items())
