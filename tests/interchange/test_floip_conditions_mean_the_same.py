"""A condition that goes out as a FLOIP expression holds when ours holds, whatever is known and whatever is not."""

from datetime import date, datetime
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.conditions import evaluate, parse
from flows.floip.floip_evaluator import Evaluator
from flows.interchange.floip_expressions import condition
from flows.interchange.floip_names import Paths
from flows.model import Named, Value
from tests.flows.callers import TODAY
from tests.interchange.test_floip_round_trip import LEAVES

NAMES: Final = {
    "pb": Named("number", 3),
    "sexe": Named("choice", 8),
    "connu": Named("yes_no", 3),
    "ne_le": Named("date", 10),
    "le": Named("date", 10),
    "l": Named("list", 9),
    "r": Named("result", 3),
    "m": Named("mixed", 3),
    "n": Named("result", 3),
    "id.nom": Named("text", 3),
}
PATHS: Final = Paths("f", ["pb", "sexe", "l"], ["connu"], ["r", "m", "n", "ne_le", "le"])
# Left out: words that differ in capitals only, a text "0" of an action, and numbers written as text, which FLOIP
# takes for the same; two unknown days, which are equal to us.
DAYS: Final = (None, date(2026, 4, 1), date(2026, 3, 2), date(2020, 2, 29))
VALUES: Final[dict[str, tuple[Value, ...]]] = {
    "pb": (None, 0, 1, 2, 115, -5),
    "sexe": (None, "F", "M"),
    "connu": (True, False),
    "ne_le": DAYS,
    "le": DAYS,
    "l": (None, ("a",), ("a", "b")),
    "r": (None, "", "abc", True, False, 7),
    "m": (None, "", "abc", 3),
    "n": (None, 0, 4),
    "id.nom": (None, "Awa", 'a "b" c'),
}
MORE: Final = [
    'r == ""',
    'r != ""',
    'm in ("", "abc")',
    'r not in ("", "x")',
    "m",
    "m != 3",
    "n",
    "n == 0",
    'id.nom != "Awa"',
]
conditions: Final = st.recursive(
    st.sampled_from([*LEAVES, *MORE]),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda three: "({}) {} ({})".format(*three)),
    ),
    max_leaves=3,
)
known: Final = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})


def seen(values: dict[str, Value]) -> Evaluator:
    """The values as a run has them: a day as text, what is unknown not there at all or nothing."""
    context: dict[str, dict[str, Any]] = {"flow": {}, "contact": {}, "block": {}}
    for name, value in values.items():
        root, _, key = PATHS.path(name).partition(".")
        if value is None and name in ("pb", "le", "l"):
            continue
        written = f"{value:%d/%m/%Y}" if isinstance(value, date) else value
        context[root][key] = list(written) if isinstance(written, tuple) else written
    return Evaluator(context, datetime(TODAY.year, TODAY.month, TODAY.day, 8))


@given(conditions, known)
@settings(max_examples=1000, deadline=None, derandomize=True)
def test_a_condition_holds_in_floip_when_it_holds_with_us(written: str, values: dict[str, Value]) -> None:
    tree = parse(written)
    ours = bool(evaluate(tree, values.get, TODAY))
    assert seen(values).holds(condition(tree, PATHS.path, NAMES)) == ours, condition(tree, PATHS.path, NAMES)
