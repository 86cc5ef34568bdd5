"""XLSForm in: a form as Kobo, ODK and CommCare staff write it becomes a conversation, and a report of what is lost.

    sources, report = from_xlsform(data, "visite.xlsx")

pyxform reads and validates the form; we walk its tree. A question nobody is always asked gets a `when` above it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flows.conditions import Both, Expression, parse
from flows.interchange.flow_writing import expression_text
from flows.interchange.form_file import form_of, one_line
from flows.interchange.imported_flow import Made, can_be_read, sources_of
from flows.interchange.left_out import NotCarried, Report, at, quoted
from flows.interchange.made_ids import Ids, id_like
from flows.interchange.xlsform_calculations import set_steps
from flows.interchange.xlsform_expressions import expression
from flows.interchange.xlsform_questions import KINDS, Rows
from flows.interchange.xlsform_rules import Known, condition
from flows.interchange.xlsform_words import Words
from flows.mistakes import FlowMistake


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_THANKS: Final = {"fr": "Merci. C'est terminé.", "bm": "I ni ce. A banna.", "en": "Thank you. That is all."}
_MOST_ROWS: Final = 400
_DEEPEST: Final = 15
_DEVICE: Final = _set_of(
    "start end today deviceid phonenumber username email subscriberid simserial audit start-geopoint "
    "background-audio background-geopoint hidden"
)
_OF_SETTINGS: Final = _set_of(
    "type name title id_string sms_keyword default_language children choices version allow_choice_duplicates"
)
# Every form gets these from pyxform itself.
_OF_PYXFORM: Final = ("instanceID", "instanceName")
_CALCULATES: Final = ("calculate", "q calculate", "add calculate prompt")
COMMENT: Final = "Made from an XLSForm. Read every text and every report line before publishing."


def from_xlsform(data: bytes, file: str) -> tuple[dict[str, str], list[str]]:
    """The flow's file by name, and a line for everything not carried over. FlowMistake when this is no form."""
    report = Report()
    sheets = form_of(data, file)
    form = _validated(sheets, file, report)
    made = _Form(file, form, _places(sheets), Words.of_form(form, report), report).made()
    return sources_of([made], report, COMMENT), report.lines()


def _validated(sheets: Any, file: str, report: Report) -> dict[str, Any]:
    """The form as pyxform understands it. What it warns of is the form's own matter, and told as such."""
    from pyxform.errors import PyXFormError
    from pyxform.xls2json import workbook_to_json

    if len(sheets.survey or ()) > _MOST_ROWS:
        problem = f"{len(sheets.survey)} rows in sheet 'survey' are no conversation: {_MOST_ROWS} at most; cut the form"
        raise FlowMistake(problem, file=file)
    warnings: list[str] = []
    stem = file.rpartition(".")[0] or file
    try:
        form: dict[str, Any] = workbook_to_json(sheets, form_name="data", fallback_form_name=stem, warnings=warnings)
        _refuse_depth(form, file)
        _refuse_unknown(form, file)
    except PyXFormError as error:
        raise FlowMistake(f"the form itself has a mistake: {one_line(error, 300)}", file=file) from None
    for warning in warnings:
        report.changed("the form itself", one_line(warning, 160))
    return form


def _refuse_depth(form: Mapping[str, Any], file: str) -> None:
    waiting = [(form, 0)]
    while waiting:
        element, depth = waiting.pop()
        if depth > _DEEPEST:
            raise FlowMistake(f"groups are nested deeper than {_DEEPEST} in sheet 'survey'", file=file)
        waiting.extend((child, depth + 1) for child in element.get("children") or ())


def _refuse_unknown(form: dict[str, Any], file: str) -> None:
    """What the builder of pyxform finds: types that do not exist, names twice, references to nothing."""
    from copy import deepcopy

    from pyxform.builder import create_survey_element_from_dict

    create_survey_element_from_dict(deepcopy(form)).validate()


def _places(sheets: Any) -> dict[str, list[int]]:
    """The rows of sheet 'survey' by name, as they are numbered in it."""
    places: dict[str, list[int]] = {}
    for number, row in enumerate(sheets.survey or (), 2):
        if isinstance(row, Mapping) and row.get("name"):
            places.setdefault(str(row["name"]), []).append(number)
    return places


@dataclass(slots=True)
class _Form:
    """One form on its way to a flow. A step's target that is not known yet is a place in `steps`, an int."""

    file: str
    form: Mapping[str, Any]
    places: dict[str, list[int]]
    words: Words
    report: Report
    ids: Ids = field(default_factory=Ids)
    steps: list[dict[str, Any]] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)
    without_hint: dict[str, Any] = field(default_factory=dict)
    rows: Rows = field(init=False)
    _id_of: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = Rows(self.words, self.report, self.ids)

    def made(self) -> Made:
        self._name(self.form.get("children") or (), "")
        self._all(self.form.get("children") or ())
        if not self.steps:
            raise FlowMistake(
                "no row of sheet 'survey' can be carried over: " + "; ".join(self.report.lines()[:3]), file=self.file
            )
        thanks = {language: _THANKS[language] for language in self.words.languages}
        self.steps.append({"id": self.ids.take("fin"), "end": thanks})
        self._resolve()
        self._shorten()
        self._tell_of_settings()
        return Made(self._flow(), self.without_hint)

    def _flow(self) -> dict[str, Any]:
        title = str(self.form.get("title") or self.form.get("id_string") or "")
        head: dict[str, Any] = {
            "flow": id_like(str(self.form.get("id_string") or title)),
            "version": self._version(),
            "title": {"all": " ".join(title.replace("{", "(").replace("}", ")").split())[:100] or "..."},
            "languages": list(self.words.languages),
        }
        drafts = {language: "false" for language in self.words.languages if language != "fr"}
        if drafts:
            head["reviewed"] = drafts
        if self.rows.lists:
            head["lists"] = self.rows.lists
        return {**head, "steps": self.steps}

    def _version(self) -> str:
        written = str(self.form.get("version") or "1")
        if written.isdecimal() and written.isascii() and 1 <= int(written[:7]) <= 100_000 and len(written) <= 6:
            return str(int(written))
        self.report.left_out("settings", f"version {quoted(written)}", "versions are small whole numbers; this is 1")
        return "1"

    def _tell_of_settings(self) -> None:
        for key in sorted(set(self.form) - _OF_SETTINGS):
            self.report.left_out("settings", quoted(key), "a conversation has no such setting")
        self.report.changed(
            "the flow", "nothing is kept of the answers yet: add a `do` with an action, and its `fails`"
        )
        self.report.changed("the flow", "nobody can dial it yet: add `start` with a code or a keyword")

    # --- names --------------------------------------------------------------------------------------------------------

    def _name(self, elements: Sequence[Mapping[str, Any]], group: str) -> None:
        """Ids for all rows before any step is made, so that no step we add takes one."""
        for element in elements:
            name = str(element.get("name") or "")
            if name in _OF_PYXFORM:
                continue
            if element.get("type") in ("group", "repeat", "loop"):
                self._name(element.get("children") or (), name)
                continue
            made = self._id_of[id(element)] = self.ids.take(name, instead=f"{group}_{name}" if group else "")
            if made != name and element.get("type") in (*KINDS, *_CALCULATES):
                self.report.also(
                    "names that are no ids here, or are taken, have changed", f"{quoted(name)} is '{made}'"
                )

    def _where(self, name: str) -> str:
        rows = self.places.get(name)
        place = f"row {rows.pop(0) if len(rows) > 1 else rows[0]}" if rows else ""
        return at(place, name)

    # --- walking ------------------------------------------------------------------------------------------------------

    def _all(self, elements: Sequence[Mapping[str, Any]]) -> None:
        for element in elements:
            if element.get("name") not in _OF_PYXFORM:
                self._one(element, self._where(str(element.get("name") or "")))

    def _one(self, element: Mapping[str, Any], where: str) -> None:
        kind = str(element.get("type"))
        if kind in ("repeat", "loop"):
            count = sum(1 for _ in _inside(element))
            self.report.left_out(where, f"this repeat with {count} rows in it", "a conversation asks each thing once")
            return
        gate = self._gate(element, where)
        if kind == "group":
            self._group(element, where)
        elif kind in KINDS:
            self._question(element, where)
        elif kind in _CALCULATES:
            self._calculation(element, where)
        else:
            self._tell_of_type(element, kind, where)
        self._close(gate)

    def _group(self, element: Mapping[str, Any], where: str) -> None:
        heading = self.words.text(element.get("label"), self.known, where, told=False)
        if heading:
            self.report.also("headings of groups are not said", f"{where} {quoted(next(iter(heading.values())), 30)}")
        self._all(element.get("children") or ())

    def _question(self, element: Mapping[str, Any], where: str) -> None:
        asked = self.rows.asked(element, self._id_of[id(element)], where, self.known)
        self.steps.extend(asked.steps)
        if asked.without_hint is not None:
            self.without_hint[asked.steps[-1]["id"]] = asked.without_hint
        if asked.known is not None:
            self.known[str(element["name"])] = asked.known

    def _calculation(self, element: Mapping[str, Any], where: str) -> None:
        written = str((element.get("bind") or {}).get("calculate") or "")
        try:
            steps, known = set_steps(self._id_of[id(element)], written, self.known, self.ids, len(self.steps))
        except NotCarried as reason:
            self.report.left_out(where, f"calculation {quoted(written)}", str(reason))
            return
        self.steps.extend(steps)
        self.known[str(element["name"])] = known

    def _tell_of_type(self, element: Mapping[str, Any], kind: str, where: str) -> None:
        if kind in _DEVICE:
            self.report.also("what the device fills in by itself is not carried over", f"{where} {kind}")
        elif kind == "decimal":
            self.report.left_out(
                where, "this decimal", "answers are whole numbers: ask in a smaller unit (g, mm, days)"
            )
        else:
            self.report.left_out(where, f"this question of type {quoted(kind)}", "a phone line cannot ask it")

    # --- skipping -----------------------------------------------------------------------------------------------------

    def _gate(self, element: Mapping[str, Any], where: str) -> dict[str, Any] | None:
        """A `when` above what is not asked of everybody."""
        written = str((element.get("bind") or {}).get("relevant") or "").strip()
        if not written or written in ("true()", "1"):
            return None
        try:
            rule = condition(expression(written), self.known)
            if not can_be_read(rule):
                raise NotCarried("the condition is too long: cut it in two")
        except NotCarried as reason:
            self.report.left_out(where, f"relevant {quoted(written)}", f"{reason}; it is asked of everybody")
            return None
        name = id_like(str(element.get("name") or "groupe"))
        test = expression_text(parse(rule))
        gate = {"id": self.ids.take(f"{name}_si"), "when": [{"if": test, "go": len(self.steps) + 1}, {"else": 0}]}
        self.steps.append(gate)
        return gate

    def _close(self, gate: dict[str, Any] | None) -> None:
        if gate is None:
            return
        if self.steps[-1] is gate:
            self.steps.pop()
            return
        gate["when"][1]["else"] = len(self.steps)

    def _resolve(self) -> None:
        """Places become the ids of the steps that stand there."""
        for step in self.steps:
            for branch in step.get("when", ()):
                for key in ("go", "else"):
                    if isinstance(branch.get(key), int):
                        branch[key] = self.steps[branch[key]]["id"]
            if isinstance(step.get("next"), int):
                step["next"] = self.steps[step["next"]]["id"]

    def _shorten(self) -> None:
        """Who was sent round one question is sent round all that ask for the same and more, without asking again."""
        gates = {step["id"]: step["when"] for step in self.steps if len(step.get("when", ())) == 2}
        for branches in reversed(gates.values()):
            test = parse(branches[0]["if"])
            while (after := gates.get(branches[1]["else"])) is not None and test in _all_of(parse(after[0]["if"])):
                branches[1]["else"] = after[1]["else"]


def _all_of(test: Expression) -> list[Expression]:
    """The conditions that must all hold for this one to hold."""
    return [*_all_of(test.left), *_all_of(test.right)] if isinstance(test, Both) else [test]


def _inside(element: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for child in element.get("children") or ():
        yield child
        yield from _inside(child)
