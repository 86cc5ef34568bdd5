"""Forms become conversations: what is carried over, what is told, and that people get through to the end."""

from __future__ import annotations

import pytest

from flows import check
from flows.interchange.xlsform_in import from_xlsform
from flows.loader import load_sources
from flows.mistakes import FlowMistake
from flows.model import Day, Flow, Menu, Number, Phone, Pick, Say, When, Words
from tests.flows.callers import Caller
from tests.interchange.form_samples import OUI_NON, Sheets, as_csv, household_visit, old_workbook, survey, workbook

QUESTION = ["integer", "age", "Age ?", None, ". >= 1 and . <= 30"]


def imported(sheets: Sheets) -> tuple[Flow, list[str]]:
    """The flow, as the strict loader reads it, and the report."""
    sources, report = from_xlsform(workbook(sheets), "forme.xlsx")
    (flow,) = load_sources(sources).flows.values()
    return flow, report


def told(report: list[str], *words: str) -> str:
    """The one line of the report that holds all these words."""
    found = [line for line in report if all(word in line for word in words)]
    assert len(found) == 1, report
    return found[0]


def errors(flow: Flow) -> list[str]:
    sources = {flow.file: flow.source}
    return [str(each) for each in check.check(load_sources(sources), {}) if each.level == "error"]


# --- a whole form -----------------------------------------------------------------------------------------------------


def test_a_household_visit_loads_and_passes_the_checks() -> None:
    flow, report = imported(household_visit())
    assert errors(flow) == []
    assert not [line for line in report if "to mend" in line]
    assert (flow.id, flow.version, flow.languages, flow.reviewed["bm"]) == ("visite_2", 3, ("fr", "bm"), False)
    kinds = {step.id: type(step) for step in flow.steps.values()}
    assert kinds["accord"] is Menu
    assert kinds["nom_mere"] is Words
    assert kinds["tel"] is Phone
    assert kinds["enfants"] is Number
    assert kinds["naissance"] is Day
    assert kinds["danger"] is Pick
    assert kinds["bienvenue"] is Say
    told(report, "row 19 'photo'", "not carried over")
    told(report, "row 20 'gps'", "not carried over")
    told(report, "what the device fills in", "deviceid")


def test_a_mediator_goes_through_the_visit_to_the_end() -> None:
    flow, _ = imported(household_visit())
    caller = Caller(flow)
    assert "Visite à domicile" in caller.screen
    caller.press("1", "Awa Traoré", "70000001")
    assert "De 0 à 9 enfants." in caller.press("12")
    caller.press("1")
    assert "Moins de 5 ans." in caller.press("01011990")
    caller.press("05032026", "110")
    assert "Référez l'enfant de Awa Traoré" in caller.press("1")
    assert caller.is_over


def test_who_refuses_the_visit_is_asked_nothing_more() -> None:
    flow, _ = imported(household_visit())
    assert "Merci" in Caller(flow).press("2")


def test_who_has_no_small_child_is_not_asked_about_one() -> None:
    flow, _ = imported(household_visit())
    caller = Caller(flow)
    assert "Merci" in caller.press("1", "Awa", "70000001", "0")
    assert caller.is_over


def test_two_signs_refer_a_child_whose_arm_is_well() -> None:
    flow, _ = imported(household_visit())
    caller = Caller(flow)
    assert "Référez" in caller.press("1", "Awa", "70000001", "1", "05032026", "140", "1 2")


def test_the_form_speaks_bambara_to_whoever_does() -> None:
    flow, _ = imported(household_visit())
    assert "Du sònna taama ma wa?" in Caller(flow, language="bm").screen


# --- kinds and limits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "low", "high"),
    [
        (". >= 1 and . <= 30", 1, 30),
        (". > 0 and . < 11", 1, 10),
        ("5 <= . and 9 > .", 5, 8),
        (". >= -5 and . <= 5", -5, 5),
        (". > 10.5 and . <= 20.5", 11, 20),
        (". = 7", 7, 7),
        (". >= 1 and (. <= 30 or . = 99)", 1, 99),
    ],
)
def test_the_limits_of_a_number_are_those_of_the_constraint(constraint: str, low: int, high: int) -> None:
    flow, _ = imported(survey(["integer", "age", "Age ?", None, constraint]))
    step = flow.steps["age"]
    assert isinstance(step, Number)
    assert (step.low, step.high) == (low, high)


def test_a_limit_that_is_not_given_is_a_usual_one_and_told() -> None:
    flow, report = imported(survey(["integer", "age", "Age ?", None, ". >= 15"]))
    step = flow.steps["age"]
    assert isinstance(step, Number)
    assert (step.low, step.high) == (15, 9999)
    told(report, "row 2 'age'", "15 to 9999")


def test_what_a_constraint_says_beyond_limits_is_told() -> None:
    _, report = imported(survey(QUESTION, ["integer", "tout", "Tout ?", None, ". <= ${age} and . > 0"]))
    told(report, "row 3 'tout'", "constraint", "in part", "limited by numbers only")
    _, report = imported(survey(["text", "code", "Code ?", None, "regex(., '[A-Z]{3}')"]))
    told(report, "row 2 'code'", "regex() has no equal")


@pytest.mark.parametrize(
    ("constraint", "first", "last"),
    [
        (". <= today()", "-100y", "today"),
        (". >= today() - 30 and . < today()", "-30d", "-1d"),
        (". >= date('2020-01-01') and . <= '2020-12-31'", "2020-01-01", "2020-12-31"),
        ("(. > today() + 1)", "+2d", "+10y"),
    ],
)
def test_the_days_of_a_date_are_those_of_the_constraint(constraint: str, first: str, last: str) -> None:
    flow, _ = imported(survey(["date", "jour", "Quel jour ?", None, constraint]))
    step = flow.steps["jour"]
    assert isinstance(step, Day)
    assert (step.earliest.written, step.latest.written) == (first, last)
    assert errors(flow) == []


def test_a_date_may_be_limited_by_another_date() -> None:
    flow, _ = imported(survey(["date", "debut", "Début ?"], ["date", "fin", "Fin ?", None, ". >= ${debut}"]))
    step = flow.steps["fin"]
    assert isinstance(step, Day)
    assert step.earliest.name == "debut"


def test_a_date_that_not_everybody_gave_limits_no_other() -> None:
    flow, report = imported(
        survey(QUESTION, ["date", "debut", "Début ?", "${age} > 5"], ["date", "fin", "Fin ?", None, ". >= ${debut}"])
    )
    step = flow.steps["fin"]
    assert isinstance(step, Day)
    assert step.earliest.written == "-100y"
    told(report, "`from: debut` became -100y")
    assert errors(flow) == []


def test_texts_take_sixty_letters_where_the_form_does_not_say() -> None:
    flow, report = imported(survey(["text", "nom", "Nom ?", None, "string-length(.) < 21"], ["text", "lieu", "Lieu ?"]))
    nom, lieu = flow.steps["nom"], flow.steps["lieu"]
    assert isinstance(nom, Words)
    assert isinstance(lieu, Words)
    assert (nom.max, lieu.max, nom.personal) == (20, 60, True)
    assert "'lieu'" in told(report, "take 60 letters")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("decimal", "whole numbers"),
        ("image", "a phone line cannot ask it"),
        ("audio", "a phone line cannot ask it"),
        ("barcode", "a phone line cannot ask it"),
        ("geopoint", "a phone line cannot ask it"),
        ("time", "a phone line cannot ask it"),
    ],
)
def test_what_a_phone_cannot_ask_is_told(kind: str, why: str) -> None:
    flow, report = imported(survey([kind, "chose", "Chose ?"], QUESTION))
    assert list(flow.steps) == ["age", "fin"]
    assert why in told(report, "row 2 'chose'", "not carried over")


def test_a_repeat_is_left_out_with_all_that_is_in_it() -> None:
    flow, report = imported(
        survey(["begin_repeat", "enfants", "Enfants"], ["text", "prenom", "Prénom ?"], ["end_repeat", None], QUESTION)
    )
    assert "prenom" not in flow.steps
    told(report, "row 2 'enfants'", "repeat with 1 rows")


@pytest.mark.parametrize(
    ("pattern", "kind", "typed"),
    [("^[0-9]{8}$", Phone, "70000001"), (r"^\d{4,6}$", Number, "201412"), ("^[A-Z]{3}$", Words, "abc")],
)
def test_a_text_of_digits_alone_is_asked_as_something_that_takes_them(pattern: str, kind: type, typed: str) -> None:
    flow, report = imported(survey(["text", "id", "Code ?", None, f"regex(., '{pattern}')"]))
    assert isinstance(flow.steps["id"], kind)
    assert "Merci" in Caller(flow).press(typed)
    assert any("digits alone" in line for line in report) == (kind is not Words)


# --- choices ----------------------------------------------------------------------------------------------------------


def test_choices_get_names_that_are_keys_and_rules_follow_them() -> None:
    choices = [["list_name", "name", "label"], ["l", "1", "Un"], ["l", "2-b", "Deux"], ["l", "M", "Trois"]]
    flow, report = imported(
        survey(
            ["select_one l", "quoi", "Quoi ?"],
            ["note", "n", "Bien.", "${quoi} = '2-b' or ${quoi} = 1"],
            choices=choices,
        )
    )
    step = flow.steps["quoi"]
    assert isinstance(step, Menu)
    assert [option.key for option in step.options] == ["c_1", "c_2_b", "M"]
    assert 'quoi == "c_2_b" or quoi == "c_1"' in flow.source
    told(report, "choices of 'l' have other names")


def test_two_questions_share_their_list() -> None:
    flow, _ = imported(survey(["select_one oui_non", "a", "A ?"], ["select_one oui_non", "b", "B ?"], choices=OUI_NON))
    assert flow.source.count("options: oui_non") == 2
    assert flow.source.count('oui: {fr: "Oui"}') == 1


def test_a_long_list_and_choices_from_elsewhere_are_left_out() -> None:
    choices = [["list_name", "name", "label"], *(["village", f"v{each}", f"Village {each}"] for each in range(300))]
    flow, report = imported(survey(["select_one village", "village", "Village ?"], QUESTION, choices=choices))
    assert "village" not in flow.steps
    told(report, "300 choices are too many", "options_from")


def test_a_filtered_list_is_offered_whole() -> None:
    choices = [["list_name", "name", "label", "cercle"], ["l", "a", "A", "x"], ["l", "b", "B", "y"]]
    flow, report = imported(
        survey(
            ["text", "cercle", "Cercle ?"],
            ["select_one l", "lieu", "Lieu ?", None, None, "cercle=${cercle}"],
            columns="type name label relevant constraint choice_filter",
            choices=choices,
        )
    )
    step = flow.steps["lieu"]
    assert isinstance(step, Menu)
    assert len(step.options) == 2
    told(report, "choice_filter", "all choices are offered")


def test_another_choice_asks_which_one_in_french() -> None:
    flow, _ = imported(survey(["select_one oui_non or_other", "a", "A ?"], choices=OUI_NON))
    assert 'other: {fr: "Autre"}' in flow.source
    caller = Caller(flow)
    assert "Lequel" in caller.press("3")
    assert "Merci" in Caller(flow).press("1")


# --- skipping ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("relevant", "condition"),
    [
        ("${age} > 5", "age > 5"),
        ("5 < ${age}", "age > 5"),
        ("${age} <= 11.5", "age <= 11"),
        ("${age} != 3", "not age == 3"),
        ("${age} = '3'", "age == 3"),
        ("selected(${ok}, 'oui')", 'ok == "oui"'),
        ("${ok} = 'oui' and (${age} < 3 or ${age} > 9)", 'ok == "oui" and (age < 3 or age > 9)'),
        ("not(selected(${ok}, 'oui')) and ${age} >= 2", 'not ok == "oui" and age >= 2'),
        ("count-selected(${plus}) > 1", "count(plus) > 1"),
        ("count-selected(${plus}) < 2", "not count(plus) >= 2"),
        ("${nom} != ''", "nom"),
        ("${age} != ''", "age >= 1"),
        ("${nom} = 'Awa'", 'nom == "Awa"'),
        ("string-length(${nom}) > 0", "nom"),
    ],
)
def test_a_relevant_becomes_a_when_above_its_question(relevant: str, condition: str) -> None:
    flow, report = imported(
        survey(
            QUESTION,
            ["text", "nom", "Nom ?"],
            ["select_one oui_non", "ok", "Ok ?"],
            ["select_multiple oui_non", "plus", "Plus ?"],
            ["note", "bien", "Bien.", relevant],
            choices=OUI_NON,
        )
    )
    step = flow.steps["bien_si"]
    assert isinstance(step, When)
    assert [branch.written for branch in step.branches] == [condition]
    assert (step.branches[0].target, step.otherwise) == ("bien", "fin")
    assert not [line for line in report if "relevant" in line]
    assert errors(flow) == []


@pytest.mark.parametrize(
    ("relevant", "why"),
    [
        ("selected(${plus}, 'oui')", "count the choices"),
        ("${age} + 1 > 5", "compares no answer"),
        ("today() > ${jour}", "neither a number nor a quoted word"),
        ("${photo} != ''", "'photo' is not asked above it"),
        ("${ok} = 'peut-etre'", "no choice of 'ok'"),
        ("${ok} > 'oui'", "compares numbers only"),
        ("${age} = ${nom}", "different kinds"),
        ("${age} > 5 and", "stops in the middle"),
        ("pulldata('x', 'y', 'z', ${age}) = 1", "has no equal"),
        ("(" * 40 + "${age} > 5" + ")" * 40, "nested too deep"),
        (" or ".join(["${age} > 5"] * 40), "too long"),
    ],
)
def test_a_relevant_we_have_no_condition_for_is_told_and_asks_everybody(relevant: str, why: str) -> None:
    flow, report = imported(
        survey(
            QUESTION,
            ["text", "nom", "Nom ?"],
            ["date", "jour", "Jour ?"],
            ["image", "photo", "Photo ?"],
            ["select_one oui_non", "ok", "Ok ?"],
            ["select_multiple oui_non", "plus", "Plus ?"],
            ["note", "bien", "Bien.", relevant],
            choices=OUI_NON,
        )
    )
    assert "bien_si" not in flow.steps
    assert "bien" in flow.steps
    assert why in told(report, "row 8 'bien'", "relevant", "asked of everybody")


def test_groups_in_groups_are_skipped_together() -> None:
    flow, _ = imported(
        survey(
            QUESTION,
            ["begin_group", "a", None, "${age} > 5"],
            ["text", "x", "X ?"],
            ["begin_group", "b", None, "${age} > 9"],
            ["text", "y", "Y ?"],
            ["end_group", None],
            ["end_group", None],
            ["text", "z", "Z ?"],
        )
    )
    assert "Z ?" in Caller(flow).press("3")
    assert "Z ?" in Caller(flow).press("7", "Awa")
    assert "Y ?" in Caller(flow).press("10", "Awa")


def test_an_answer_not_everybody_gave_is_not_put_into_a_text() -> None:
    flow, report = imported(
        survey(QUESTION, ["text", "nom", "Nom ?", "${age} > 5"], ["note", "merci", "Merci ${nom} de ${age} ans."])
    )
    assert "Merci ... de {age} ans." in flow.source
    told(report, "{nom} became '...'")
    assert errors(flow) == []


# --- names, words, settings -------------------------------------------------------------------------------------------


def test_names_that_are_no_ids_are_changed_and_told() -> None:
    flow, report = imported(
        survey(["integer", "Age.Enfant", "Age ?"], ["text", "today", "Quand ?"], ["note", "ok", "${Age.Enfant} ans."])
    )
    assert list(flow.steps) == ["age_enfant", "today_", "ok", "fin"]
    assert "{age_enfant} ans." in flow.source
    assert "'Age.Enfant' is 'age_enfant'" in told(report, "no ids here")


def test_the_same_name_in_two_groups_gets_the_groups_name_before_it() -> None:
    group = lambda name: [["begin_group", name], ["text", "nom", f"{name} ?"], ["end_group", None]]  # noqa: E731
    flow, _ = imported(survey(*group("pere"), *group("mere")))
    assert list(flow.steps) == ["nom", "mere_nom", "fin"]


def test_words_are_made_fit_for_a_phone() -> None:
    flow, _ = imported(survey(["note", "n", "**Attention** <b>au</b>\n{feu} 🔥 !"], QUESTION))
    assert 'say: {fr: "Attention au (feu) !"}' in flow.source


def test_a_hint_stands_behind_its_question_where_it_fits() -> None:
    columns = "type name label hint"
    flow, _ = imported(survey(["text", "a", "Nom ?", "comme sur la carte"], columns=columns))
    assert "Nom ? (comme sur la carte)" in Caller(flow).screen
    flow, report = imported(survey(["text", "a", "Nom ?", "très " * 40], columns=columns))
    assert "très" not in flow.source
    told(report, "step 'a'", "hint", "does not fit")


def test_words_of_more_than_a_screen_are_said_in_pieces() -> None:
    long = "Nous gardons vos réponses pour la campagne de santé du district. " * 6
    flow, report = imported(survey(["note", "info", long], ["select_one oui_non", "ok", long], choices=OUI_NON))
    assert errors(flow) == []
    told(report, "said in pieces", "'info' in 3", "'ok' in 3")
    caller = Caller(flow)
    while not caller.screen.endswith("2 Non"):
        caller.press("9")
    assert "Merci" in caller.press("1")


def test_languages_that_are_not_ours_are_told() -> None:
    sheets = survey(["text", "a", "Name?", "¿Nombre?"], columns="type name label::English(en) label::Spanish(es)")
    flow, report = imported(sheets)
    assert flow.languages == ("en",)
    told(report, "Spanish", "fr, bm and en only")


def test_a_missing_translation_has_the_words_of_another_language() -> None:
    columns = ["type", "name", "label::French (fr)", "label::English (en)"]
    flow, report = imported({"survey": [columns, ["text", "a", "Nom ?", None], ["text", "b", "Lieu ?", "Place?"]]})
    assert flow.languages == ("fr", "en")
    assert '{fr: "Nom ?", en: "Nom ?"}' in flow.source
    assert "'a'" in told(report, "no words in 'en'")


def test_labels_without_a_language_are_french_and_told() -> None:
    flow, report = imported(survey(QUESTION))
    assert flow.languages == ("fr",)
    told(report, "taken for French")


def test_settings_that_mean_nothing_here_are_told() -> None:
    settings = [["form_title", "form_id", "version", "style"], ["Visite", "v-1", "2024 b", "pages"]]
    flow, report = imported(survey(QUESTION, settings=settings))
    assert (flow.id, flow.version) == ("v_1", 1)
    told(report, "settings", "version")
    told(report, "settings", "style")


def test_columns_defaults_and_looks_are_told() -> None:
    flow, report = imported(
        survey(
            ["text", "a", "A ?", "5", "multiline", "x", "photo.jpg"],
            columns="type name label default appearance bind::x:y media::image",
        )
    )
    assert "a" in flow.steps
    told(report, "default '5'")
    told(report, "multiline", "means nothing")
    told(report, "x:y", "no place")
    told(report, "image, sound or film")


def test_a_message_about_a_rule_that_is_lost_is_lost_too() -> None:
    _, report = imported(
        survey(
            ["text", "a", "A ?", "regex(., '[0-9]+')", "Des chiffres !"],
            columns="type name label constraint constraint_message",
        )
    )
    told(report, "constraint_message 'Des chiffres !'")


@pytest.mark.parametrize(
    ("calculation", "kept"),
    [("'nord'", "set: {zone: '\"nord\"'}"), ("12", "set: {zone: 12}"), ("${age}", "set: {zone: age}")],
)
def test_plain_calculations_are_set(calculation: str, kept: str) -> None:
    row = ["calculate", "zone", None, None, None, calculation]
    flow, _ = imported(survey(QUESTION, row, columns="type name label relevant constraint calculation"))
    assert kept in flow.source


def test_what_is_computed_is_told() -> None:
    row = ["calculate", "bmi", None, None, None, "${age} * 2"]
    flow, report = imported(survey(QUESTION, row, columns="type name label relevant constraint calculation"))
    assert "bmi" not in flow.source
    told(report, "row 3 'bmi'", "computes nothing")


# --- other files ------------------------------------------------------------------------------------------------------


def test_the_same_form_in_three_kinds_of_file_is_the_same_flow() -> None:
    form = household_visit()
    one, _ = from_xlsform(workbook(form), "forme.xlsx")
    assert from_xlsform(as_csv(form), "forme.csv")[0] == one
    assert from_xlsform(as_csv(form, ";"), "forme.csv")[0] == one
    assert from_xlsform(b"\xef\xbb\xbf" + as_csv(form), "forme.csv")[0] == one


def test_a_form_with_nothing_to_ask_is_refused() -> None:
    with pytest.raises(FlowMistake, match="no row of sheet 'survey' can be carried over"):
        from_xlsform(workbook(survey(["image", "photo", "Photo"])), "forme.xlsx")


@pytest.mark.parametrize(
    ("sheets", "words"),
    [
        ({"form": [["a"], ["b"]], "autre": [["c"]]}, "survey"),
        (survey(["foo", "a", "A"]), "Unknown question type 'foo'"),
        (survey(["select_one rien", "a", "A"]), "choices"),
        (survey(["text", "a", "${b}"]), "b"),
        (survey(["begin_group", "a", "A"], QUESTION), "row : 2"),
        (survey(["text", None, "A"]), "row : 2"),
        (survey(*[["text", f"q{each}", "A"] for each in range(500)]), "500 rows"),
    ],
)
def test_a_mistake_in_the_form_is_one_readable_line(sheets: Sheets, words: str) -> None:
    with pytest.raises(FlowMistake) as caught:
        from_xlsform(workbook(sheets), "forme.xlsx")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("forme.xlsx: ")


def test_an_xls_is_read() -> None:
    form = survey(["select_one oui_non", "ok", "D'accord à Kayes ?"], QUESTION, choices=OUI_NON)
    sources, report = from_xlsform(old_workbook(form), "forme.xls")
    assert (sources, report) == from_xlsform(workbook(form), "forme.xlsx")
    assert "D'accord à Kayes ?" in sources["forme.yaml"]
