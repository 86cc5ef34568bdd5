"""Conditions and values as their author would write them, from the tree they were read into."""

from typing import Final

from flows.conditions import Among, Both, Compare, Constant, Either, Expression, Function, Name, Not

# How tight each holds: what is looser than the place it stands in gets brackets.
_EITHER, _BOTH, _NOT, _TIGHT = range(4)
_HOLDS: Final = {Either: _EITHER, Both: _BOTH, Not: _NOT, Compare: _NOT, Among: _NOT}


def spelled(tree: Expression) -> str:
    """The expression written out; reading it gives the tree again."""
    if isinstance(tree, Name):
        return tree.name
    if isinstance(tree, Constant):
        return _constant(tree.value)
    if isinstance(tree, Function):
        return f"{tree.function}({tree.of})"
    if isinstance(tree, Compare):
        return f"{_in(tree.left, _TIGHT)} {tree.sign} {_in(tree.right, _TIGHT)}"
    if isinstance(tree, Among):
        return _among(tree, "in")
    if isinstance(tree, Not) and isinstance(tree.inner, Among):
        return _among(tree.inner, "not in")
    if isinstance(tree, Not):
        return f"not {_in(tree.inner, _NOT)}"
    if isinstance(tree, Both):
        return f"{_in(tree.left, _BOTH)} and {_in(tree.right, _NOT)}"
    return f"{_in(tree.left, _EITHER)} or {_in(tree.right, _BOTH)}"


def _among(tree: Among, sign: str) -> str:
    return f"{_in(tree.item, _TIGHT)} {sign} ({', '.join(spelled(choice) for choice in tree.choices)})"


def _constant(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return f"'{value}'" if '"' in value else f'"{value}"'


def _in(tree: Expression, place: int) -> str:
    written = spelled(tree)
    return f"({written})" if _HOLDS.get(type(tree), _TIGHT) < place else written
