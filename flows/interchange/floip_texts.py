"""Our texts as FLOIP resources and back: the true spelling for rich messaging, the folded one for SMS and USSD.

`{name}` becomes an expression that shows what our screen would show: the label of a choice in the language of the text,
nothing where nothing is known.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from flows.interchange.floip_expressions import literal
from flows.interchange.floip_grammar import (
    Call,
    Literal,
    NotRead,
    Operation,
    Tree,
    Variable,
    pieces_of,
    read_expression,
)
from flows.interchange.floip_names import ISO, Paths
from flows.model import Named
from flows.texts import Template, Text

Json = dict[str, Any]
TRUE_SPELLING: Final = ["RICH_MESSAGING"]
FOLDED: Final = ["SMS", "USSD"]
MODES: Final = [*FOLDED, *TRUE_SPELLING]
# Beyond this many choices the label is put together instead of nested: parsers give up on deep brackets.
_MOST_NESTED: Final = 15
_MAYBE_NOTHING: Final = frozenset({"result", "mixed"})


class Words:
    """Makes the values of resources, in one flow."""

    def __init__(self, languages: tuple[str, ...], paths: Paths, names: Mapping[str, Named]) -> None:
        self._languages = languages
        self._paths = paths
        self._names = names

    def resource(self, uuid: str, text: Text, below: Callable[[str, bool], str] | None = None) -> Json:
        """The text in every language and spelling, with what `below` gives for a language put under it."""
        values = []
        for language in self._languages:
            for spelling, modes in ((text.true, TRUE_SPELLING), (text.folded, FOLDED)):
                folded = modes is FOLDED
                value = self.template(spelling[language], language, folded=folded)
                value += below(language, folded) if below is not None else ""
                if value:
                    values.append(_value(language, modes, value))
        return {"uuid": uuid, "values": values}

    def template(self, template: Template, language: str, *, folded: bool) -> str:
        shown = (
            f"@({self.shown(part, language, folded=folded)})" if place & 1 else part.replace("@", "@@")
            for place, part in enumerate(template)
        )
        return "".join(shown)

    def shown(self, name: str, language: str, *, folded: bool) -> str:
        """An expression for what our screen shows of a name."""
        path, named = self._paths.path(name), self._names.get(name)
        usual = path
        if named is not None and (named.may_be_unknown or named.type in _MAYBE_NOTHING):
            usual = f'IF({path} = NULL, "", {path})'
        if named is None or named.labels is None or named.type == "list":
            return usual
        labels = {key: _label(text, language, folded=folded) for key, text in named.labels.items()}
        if len(labels) > _MOST_NESTED:
            return _put_together(path, labels)
        for key, label in reversed(labels.items()):
            usual = f"IF({path} = {literal(key)}, {literal(label)}, {usual})"
        return usual


def _label(text: Text, language: str, *, folded: bool) -> str:
    """A label may come from a sub-flow that speaks fewer languages."""
    templates = text.folded if folded else text.true
    return (templates.get(language) or next(iter(templates.values())))[0]


def _put_together(path: str, labels: Mapping[str, str]) -> str:
    parts = (f'IF({path} = {literal(key)}, {literal(label)}, "")' for key, label in labels.items())
    return f"CONCATENATE({', '.join(parts)})"


def _value(language: str, modes: list[str], value: str) -> Json:
    return {
        "language_id": ISO[language],
        "content_type": "TEXT",
        "mime_type": "text/plain",
        "modes": list(modes),
        "value": value,
    }


def hints_of(text: Text, languages: tuple[str, ...]) -> Json:
    """How the author wrote the text, where its values alone would not tell."""
    if "all" in text.written:
        return {"all": True, "empty": ["all"]} if not text.written["all"] else {"all": True}
    hints: Json = {}
    unwritten = [each for each in languages if each not in text.written]
    empty = [each for each in languages if text.written.get(each) == ""]
    if unwritten:
        hints["unwritten"] = unwritten
    if empty:
        hints["empty"] = empty
    return hints


# --- and back -----------------------------------------------------------------------------------------------------


def written_back(values: Mapping[str, str], hints: Mapping[str, Any], languages: Iterable[str]) -> dict[str, str]:
    """The text as its author wrote it: by language, or under `all` where it is still the same in every one."""
    order = list(languages)
    said = {each: values[each] for each in order if each in values}
    empty = hints.get("empty", ())
    if hints.get("all") and len(set(said.values())) <= 1:
        return {"all": next(iter(said.values()), "")}
    usual = next(iter(said.values()), "")
    unwritten = [each for each in hints.get("unwritten", ()) if said.get(each, usual) == usual]
    return {each: said.get(each, "") for each in order if each not in unwritten and (each in said or each in empty)}


def name_shown(tree: Tree, paths: Callable[[str], str | None]) -> str | None:
    """The name an expression shows, itself or by its labels; None when it shows something else."""
    if isinstance(tree, Variable):
        return paths(tree.path)
    if not isinstance(tree, Call):
        return None
    if tree.function == "IF" and len(tree.args) == 3:
        return _name_chosen_by(tree, paths)
    if tree.function == "CONCATENATE" and tree.args:
        names = {name_shown(each, paths) for each in tree.args}
        return names.pop() if len(names) == 1 else None
    return None


def _name_chosen_by(tree: Call, paths: Callable[[str], str | None]) -> str | None:
    """IF(name = "a", "words", ...): every test asks for the same name, and every outcome is words or that name."""
    test, then, otherwise = tree.args
    if not isinstance(test, Operation) or test.sign != "=" or not isinstance(test.right, Literal):
        return None
    name = name_shown(test.left, paths)
    last = otherwise if isinstance(otherwise, Literal) else name_shown(otherwise, paths)
    if name is None or not isinstance(then, Literal) or not (isinstance(last, Literal) or last == name):
        return None
    return name


def template_back(value: str, paths: Callable[[str], str | None]) -> tuple[str, list[str]]:
    """A value with our `{names}`, and the expressions in it that are none; those become three dots."""
    try:
        pieces = pieces_of(value)
    except NotRead:
        return value.replace("@@", "@"), ["a text with very many expressions"]
    said, strange = "", []
    for place, piece in enumerate(pieces):
        if not place & 1:
            said += piece
            continue
        name = _name_of(piece, paths)
        if name is None:
            strange.append(f"@({piece})")
        said += f"{{{name}}}" if name is not None else "…"
    return said, strange


def _name_of(expression: str, paths: Callable[[str], str | None]) -> str | None:
    try:
        return name_shown(read_expression(expression), paths)
    except NotRead:
        return None
