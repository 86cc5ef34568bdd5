"""Our conditions as FLOIP expressions: only functions that its specification lists, nothing left to a runner's taste.

What is not known compares as false with us, so "not equal" says `<> NULL` as well; a name that stands alone is true
when it holds something. `read_back` takes such an expression, or a simple one written by others, to ours again.
"""

from collections.abc import Callable, Mapping, Set
from typing import Final

from flows.conditions import Among, Both, Compare, Constant, Either, Expression, Function, Name, Not
from flows.interchange.floip_grammar import Call, Literal, NotRead, Operation, Tree, Variable, read_expression
from flows.model import Named

_TO_FLOIP: Final = {"==": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_FROM_FLOIP: Final = {sign: ours for ours, sign in _TO_FLOIP.items()}
NOTHING: Final = "NULL"
# What a name of each type is compared with to be something.
_EMPTY: Final = {
    "number": ("0", NOTHING),
    "result": ('""', "0", "FALSE", NOTHING),
    "mixed": ('""', "0", "FALSE", NOTHING),
}
_KNOWN: Final = {"number": ("ISNUMBER",), "choice": ("ISSTRING",)}
# A telephone number is no text to every runner.
_KNOWN_AT_ALL: Final = ("ISSTRING", "ISNUMBER", "ISBOOL")
_EMPTY_TEXT: Final = Constant("")
_USUALLY_EMPTY: Final = ('""', NOTHING)

Path = Callable[[str], str]


def literal(value: str | int) -> str:
    """A constant. A double quote has no spelling inside quotes that every parser agrees on: it is CHAR(34)."""
    if isinstance(value, int):
        return str(value)
    parts = [f'"{part}"' for part in value.split('"')]
    return " & CHAR(34) & ".join(parts)


def condition(tree: Expression, path: Path, names: Mapping[str, Named]) -> str:
    """The condition as an expression that is true when it holds."""
    if isinstance(tree, Name):
        return _is_something(tree.name, path, names)
    if isinstance(tree, Both):
        return f"AND({condition(tree.left, path, names)}, {condition(tree.right, path, names)})"
    if isinstance(tree, Either):
        return f"OR({condition(tree.left, path, names)}, {condition(tree.right, path, names)})"
    if isinstance(tree, Not):
        return f"IF({condition(tree.inner, path, names)}, FALSE, TRUE)"
    if isinstance(tree, Among):
        choices = ", ".join(operand(each, path, names) for each in tree.choices)
        test = f"IN({operand(tree.item, path, names)}, ARRAY({choices}))"
        guards = [guard for each in (tree.item, *tree.choices) for guard in _guards(each, path, names)]
        if isinstance(tree.item, Name) and not guards and _EMPTY_TEXT in tree.choices:
            guards.append(_is_known(tree.item.name, path, names))
        return _guarded(guards, test)
    if isinstance(tree, Compare):
        return _comparison(tree, path, names)
    return _guarded(_guards(tree, path, names), operand(tree, path, names))


def operand(tree: Expression, path: Path, names: Mapping[str, Named]) -> str:
    """A value: a constant, a name, or one of our functions in FLOIP's own."""
    if isinstance(tree, Constant):
        return literal(tree.value)
    if isinstance(tree, Function):
        return f"COUNT({path(tree.of)})" if tree.function == "count" else _age(f"DATEVALUE({path(tree.of)})")
    assert isinstance(tree, Name)
    named = names.get(tree.name)
    return f"DATEVALUE({path(tree.name)})" if named is not None and named.type == "date" else path(tree.name)


def known_or_empty(tree: Expression, written: str, path: Path) -> str:
    """The value, and an empty text where there is none: a runner may leave an expression of nothing as it stands.

    Without a double quote, as it stands inside JSON.
    """
    if isinstance(tree, Function):
        return f"IF({_guards(tree, path, {})[0]}, {written}, '')"
    return f"IF({path(tree.name)} = {NOTHING}, '', {written})" if isinstance(tree, Name) else written


def _comparison(tree: Compare, path: Path, names: Mapping[str, Named]) -> str:
    left, right = operand(tree.left, path, names), operand(tree.right, path, names)
    sides = (tree.left, tree.right)
    guards = [guard for side in sides for guard in _guards(side, path, names)]
    plain = [side.name for side in sides if isinstance(side, Name) and not _guards(side, path, names)]
    if tree.sign == "!=" or _EMPTY_TEXT in sides:
        guards += [_is_known(name, path, names) for name in plain]
    if tree.sign == "!=":
        return f"AND({', '.join([*guards, f'{left} <> {right}'])})"
    return _guarded(guards, f"{left} {_TO_FLOIP[tree.sign]} {right}")


def _is_known(name: str, path: Path, names: Mapping[str, Named]) -> str:
    """True when the name holds anything, be it an empty text, which equals NULL."""
    kind = names[name].type if name in names else "mixed"
    if kind == "list":
        return f"{path(name)} <> {NOTHING}"
    tests = [f"{test}({path(name)})" for test in _KNOWN.get(kind, _KNOWN_AT_ALL)]
    return tests[0] if len(tests) == 1 else f"OR({', '.join(tests)})"


def _guards(tree: Expression, path: Path, names: Mapping[str, Named]) -> list[str]:
    """What must hold for a value to be worked out: nothing is no date and no list, and would break the whole test."""
    if isinstance(tree, Function):
        return [f"{path(tree.of)} <> {NOTHING}" if tree.function == "count" else f"has_date({path(tree.of)})"]
    if isinstance(tree, Name) and tree.name in names and names[tree.name].type == "date":
        return [f"has_date({path(tree.name)})"]
    return []


def _guarded(guards: list[str], test: str) -> str:
    return f"AND({', '.join([*dict.fromkeys(guards), test])})" if guards else test


def _is_something(name: str, path: Path, names: Mapping[str, Named]) -> str:
    """True when the name holds something. NULL comes last here and first in "not equal": so the two are told apart."""
    kind = names[name].type if name in names else "mixed"
    if kind == "yes_no":
        return path(name)
    if kind == "list":
        return f"IF(AND({path(name)} <> {NOTHING}, COUNT({path(name)}) > 0), TRUE, FALSE)"
    tests = [f"{path(name)} <> {empty}" for empty in _EMPTY.get(kind, _USUALLY_EMPTY)]
    return f"AND({', '.join(tests)})"


def _age(day: str) -> str:
    """Whole months from a day to today."""
    years = f"(YEAR(TODAY()) - YEAR({day})) * 12"
    return f"({years} + MONTH(TODAY()) - MONTH({day}) - IF(DAY(TODAY()) < DAY({day}), 1, 0))"


# --- and back -----------------------------------------------------------------------------------------------------

NameOf = Callable[[str], str | None]


def read_back(written: str, name_of: NameOf) -> Expression:
    """Our condition for a FLOIP expression. NotRead says what in it has no counterpart."""
    return _condition(read_expression(written), name_of)


def read_operand(written: str, name_of: NameOf) -> Expression:
    """Our value for a FLOIP expression: a constant, a name, a count or an age in months."""
    return operand_back(read_expression(written), name_of)


def _condition(tree: Tree, name_of: NameOf) -> Expression:
    if isinstance(tree, Call) and tree.function in _FUNCTIONS:
        return _FUNCTIONS[tree.function](tree, name_of)
    if isinstance(tree, Operation) and tree.sign in _FROM_FLOIP:
        return _compared(tree, name_of)
    if isinstance(tree, Operation) and tree.sign == "<>":
        if tree.right == Literal(None):
            return operand_back(tree.left, name_of)
        return Compare("!=", operand_back(tree.left, name_of), operand_back(tree.right, name_of))
    return operand_back(tree, name_of)


def _compared(tree: Operation, name_of: NameOf) -> Expression:
    if tree.sign == "=" and tree.right == Literal(None):
        return Not(operand_back(tree.left, name_of))
    return Compare(_FROM_FLOIP[tree.sign], operand_back(tree.left, name_of), operand_back(tree.right, name_of))


def _is_count(tree: Tree) -> bool:
    return isinstance(tree, Call) and tree.function == "COUNT" and len(tree.args) == 1


def _and(tree: Call, name_of: NameOf) -> Expression:
    tree = _unguarded(tree)
    if len(tree.args) == 1:
        return _condition(tree.args[0], name_of)
    unequal = [each for each in tree.args if isinstance(each, Operation) and each.sign == "<>"]
    if len(unequal) == len(tree.args) > 1:
        nothing = [each.right == Literal(None) for each in unequal]
        alone = {_plain(each.left) for each in unequal}
        if nothing[-1] and not any(nothing[:-1]) and len(alone) == 1:
            return operand_back(unequal[0].left, name_of)  # it is something
        if all(nothing[:-1]) and not nothing[-1]:
            return _condition(unequal[-1], name_of)  # it is known, and not equal
    return _joined(tree, name_of, Both)


def _unguarded(tree: Call) -> Call:
    """An AND without what only sees to it that its last part can be worked out."""
    if tree.function != "AND" or len(tree.args) < 2:
        return tree
    read = set(_inside(tree.args[-1]))
    return Call("AND", (*[each for each in tree.args[:-1] if not _is_guard(each, read)], tree.args[-1]))


def _is_guard(tree: Tree, read: Set[Tree]) -> bool:
    """Whether it asks for something to be a date, a list, or known at all, which is in what is `read`."""
    if isinstance(tree, Operation) and tree.sign == "<>" and tree.right == Literal(None):
        return Call("COUNT", (tree.left,)) in read
    if not isinstance(tree, Call) or not tree.args:
        return False
    if tree.function == "HAS_DATE":
        return Call("DATEVALUE", tree.args) in read
    known = tree.args if tree.function == "OR" else (tree,)
    return all(isinstance(each, Call) and each.function in _KNOWN_AT_ALL and set(each.args) <= read for each in known)


def _or(tree: Call, name_of: NameOf) -> Expression:
    return _joined(tree, name_of, Either)


def _joined(tree: Call, name_of: NameOf, kind: type[Both] | type[Either]) -> Expression:
    if not tree.args:
        raise NotRead(f"{tree.function}() of nothing")
    found = _condition(tree.args[0], name_of)
    for each in tree.args[1:]:
        found = kind(found, _condition(each, name_of))
    return found


def _if(tree: Call, name_of: NameOf) -> Expression:
    if tree.args[1:] == (Literal(False), Literal(True)):
        return Not(_condition(tree.args[0], name_of))
    if tree.args[1:] == (Literal(True), Literal(False)):
        some = tree.args[0]
        if isinstance(some, Call) and len((bare := _unguarded(some)).args) == 1:
            some = bare.args[0]
        if isinstance(some, Operation) and some.sign == ">" and some.right == Literal(0) and _is_count(some.left):
            assert isinstance(some.left, Call)
            return operand_back(some.left.args[0], name_of)
        return _condition(some, name_of)
    raise NotRead("IF(...) in a condition")


def _not(tree: Call, name_of: NameOf) -> Expression:
    if len(tree.args) != 1:
        raise NotRead("NOT(...) of several")
    return Not(_condition(tree.args[0], name_of))


def _in(tree: Call, name_of: NameOf) -> Expression:
    choices = tree.args[1] if len(tree.args) == 2 else None
    if not isinstance(choices, Call) or choices.function != "ARRAY" or not choices.args:
        raise NotRead("IN(...) without an ARRAY")
    return Among(operand_back(tree.args[0], name_of), tuple(operand_back(each, name_of) for each in choices.args))


def _between(tree: Call, name_of: NameOf) -> Expression:
    if len(tree.args) != 3:
        raise NotRead("BETWEEN(...) without two bounds")
    value, low, high = (operand_back(each, name_of) for each in tree.args)
    return Both(Compare(">=", value, low), Compare("<=", value, high))


_FUNCTIONS: Final[dict[str, Callable[[Call, NameOf], Expression]]] = {
    "AND": _and,
    "OR": _or,
    "IF": _if,
    "NOT": _not,
    "IN": _in,
    "BETWEEN": _between,
}


def operand_back(tree: Tree, name_of: NameOf) -> Expression:
    if isinstance(tree, Literal) and isinstance(tree.value, str | int) and not isinstance(tree.value, bool):
        return Constant(tree.value)
    if isinstance(tree, Variable):
        name = name_of(tree.path)
        if name is None:
            raise NotRead(f"'{tree.path}'")
        return Name(name)
    if isinstance(tree, Call) and tree.function == "DATEVALUE" and len(tree.args) == 1:
        return operand_back(tree.args[0], name_of)
    if isinstance(tree, Call) and _is_count(tree):
        return Function("count", _named(tree.args[0], name_of))
    born = _born(tree)
    if born is not None:
        return Function("age_months", _named(born, name_of))
    raise NotRead(f"{tree.function}(...)" if isinstance(tree, Call) else "a computed value")


def _named(tree: Tree, name_of: NameOf) -> str:
    found = operand_back(tree, name_of)
    if not isinstance(found, Name):
        raise NotRead("a function of a constant")
    return found.name


def _born(tree: Tree) -> Tree | None:
    """The day of which the tree is the age in months, if it is one."""
    calls = [each for each in _inside(tree) if isinstance(each, Call) and each.function == "DATEVALUE"]
    if not calls or not isinstance(calls[0].args[0] if calls[0].args else None, Variable):
        return None
    day = calls[0].args[0]
    assert isinstance(day, Variable)
    return day if tree == read_expression(_age(f"DATEVALUE({day.path})")) else None


def _inside(tree: Tree) -> list[Tree]:
    if isinstance(tree, Operation):
        return [tree, *_inside(tree.left), *_inside(tree.right)]
    if isinstance(tree, Call):
        return [tree, *(inner for each in tree.args for inner in _inside(each))]
    return [tree]


def _plain(tree: Tree) -> Tree:
    """A value without the function that makes a day of it."""
    return tree.args[0] if isinstance(tree, Call) and tree.function == "DATEVALUE" and tree.args else tree
