"""What the loader accepts, and how it tells an author what to mend."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.loader import load_bundle, load_library, load_sources, read_flow
from flows.mistakes import FlowMistake
from flows.model import Bound, Day, Do, IfDropped, Menu, Number, Pick, Resume, Say, Words
from tests.flows.callers import DATA, a_flow, amv, source_of

ASK = '  - id: nom\n    text: {all: "Nom ?"}\n    max: 9\n'
END = '  - id: fin\n    end: {all: "Fin."}'


def mistake_of(source: str, file: str = "essai.yaml") -> str:
    with pytest.raises(FlowMistake) as refused:
        load_sources({file: source})
    return str(refused.value)


def of_steps(steps: str, **around: str) -> str:
    return mistake_of(source_of(steps, **around))


class TestTraps:
    """What plain YAML would swallow without a word."""

    def test_a_key_twice(self) -> None:
        told = of_steps('  - id: nom\n    text: {all: "Nom ?"}\n    max: 9\n    max: 10\n' + END)
        assert told == "essai.yaml:10: step 'nom': 'max' is written twice; keep one of them"

    def test_an_unknown_key_names_the_nearest(self) -> None:
        told = of_steps('  - id: nom\n    text: {all: "Nom ?"}\n    maxx: 9\n    max: 9\n' + END)
        assert told == "essai.yaml:9: step 'nom': unknown key 'maxx'; did you mean 'max'?"

    def test_an_unknown_key_of_the_flow(self) -> None:
        assert "essai.yaml:6: unknown key 'langages'; did you mean 'languages'?" in of_steps(END, top="langages: [fr]")

    @pytest.mark.parametrize(
        "text",
        ["Bonjour", "Oui", "*123#", "Bonjour # vous", "&a Bonjour", "!!str Bonjour", "|\n        Bonjour", "[a]", "12"],
    )
    def test_a_text_without_quotes(self, text: str) -> None:
        told = of_steps(f"  - id: fin\n    end:\n      all: {text}")
        assert told.startswith("essai.yaml:9: ")
        assert "quotes" in told or "text out again" in told

    def test_french_that_yaml_cannot_read_at_all(self) -> None:
        told = of_steps("  - id: fin\n    end: {fr: AMV : {chef}}")
        assert told.startswith("essai.yaml:8: this is not YAML")
        assert "put texts in double quotes" in told

    def test_an_alias(self) -> None:
        told = of_steps('  - id: fin\n    end: &mots {all: "Fin."}\n  - id: fin2\n    end: *mots')
        assert "essai.yaml:8: `*` and `&` have a meaning in YAML" in told

    def test_a_second_document(self) -> None:
        assert "one flow is one file" in mistake_of(source_of(END) + "---\nflow: autre\n")

    def test_a_tag(self) -> None:
        assert "`!` has a meaning in YAML" in of_steps('  - id: fin\n    end: !!map {all: "Fin."}')

    def test_a_merge_key_is_only_a_strange_key(self) -> None:
        assert "unknown key '<<'" in of_steps('  - id: fin\n    <<: {a: b}\n    end: {all: "Fin."}')

    def test_an_empty_file(self) -> None:
        assert "essai.yaml: the file is empty" in mistake_of("")
        assert "essai.yaml: the file is empty" in mistake_of("# rien")

    def test_nesting_without_end(self) -> None:
        assert "nested too deep" in mistake_of("[" * 500)

    def test_a_file_too_long_to_be_a_conversation(self) -> None:
        assert "too long" in mistake_of("#" * 600_000)

    def test_yes_and_no_stay_words(self) -> None:
        flow = a_flow(
            '  - id: q\n    menu: {all: "?"}\n    options:\n      yes: {all: "Oui"}\n      no: {all: "Non"}\n' + END
        )
        step = flow.steps["q"]
        assert isinstance(step, Menu)
        assert [option.key for option in step.options] == ["yes", "no"]


class TestSteps:
    @pytest.mark.parametrize(
        ("steps", "told"),
        [
            ('  - text: {all: "Nom ?"}', "'id' is missing: every step begins with `- id: name`"),
            ("  - id: Nom\n    end:", "'Nom' cannot be an id"),
            ("  - id: not\n    end:", "'not' means something in conditions"),
            ("  - id: a", "exactly one of say, menu"),
            ('  - id: a\n    txt: {all: "?"}', "here: 'txt', did you mean 'text'?"),
            ('  - id: a\n    end:\n    say: {all: "a"}', "here: 'say' and 'end'"),
            (ASK + ASK + END, "step 'nom': this id is taken by the step on line 7"),
            ("  - id: a\n    end:\n    next: a", "nothing comes after an `end`"),
            ('  - id: a\n    text: {all: "?"}', "'max' is missing: the most characters that are taken"),
            ('  - id: a\n    text: {all: "?"}\n    max: beaucoup', "'max' must be a whole number from 1 to 1000"),
            ('  - id: a\n    number: {all: "?"}\n    to: 5', "'from' is missing"),
            ('  - id: a\n    date: {all: "?"}\n    from: -5y\n    to: demain soir', "'demain soir' is no day"),
            ('  - id: a\n    phone: {all: "?"}\n    country: Mali', "'Mali' is no country"),
            ('  - id: a\n    say: {all: "?"}\n    by: fax', "`by` knows 'sms' only, not 'fax'"),
            ('  - id: a\n    say: {all: "?"}\n    parts: 2', "only a text sent `by: sms` has parts"),
            ('  - id: a\n    menu: {all: "?"}', "a menu has either `options` or `options_from`"),
            ('  - id: a\n    menu: {all: "?"}\n    options: oui_nom', "there is no list 'oui_nom'"),
            ('  - id: a\n    menu: {all: "?"}\n    options: {}', "'options' has no choices"),
            ('  - id: a\n    menu: {all: "?"}\n    options: {é: {all: "a"}}', "'é' cannot name a choice"),
            ('  - id: a\n    menu: {all: "?"}\n    options: {a: {all: "{nom}"}}', "a choice cannot hold a {name}"),
            ('  - id: a\n    menu: {all: "?"}\n    options: {a: "Oui"}', "'a' needs its languages"),
            ('  - id: a\n    menu: {all: "?"}\n    options_from: a b', "'a b' is no action"),
            (
                '  - id: a\n    menu: {all: "?"}\n    options: {wo: {all: "Wolof"}}\n    sets_language: true',
                "'wo' is no language of this flow",
            ),
            (
                '  - id: a\n    pick: {all: "?"}\n    options: {a: {all: "A"}}\n    go: {a: b}',
                "a pick cannot `go` by choice",
            ),
            ('  - id: a\n    when:\n      - {else: a}\n      - {if: "b", go: a}', "`else` is the last branch"),
            (
                '  - id: a\n    when:\n      - {if: "b <", go: a}',
                "expected a name, a number or a quoted word at the end",
            ),
            ("  - id: a\n    when:\n      - {go: a}", "'if' is missing"),
            ("  - id: a\n    when:\n      - {else: a}\n    next: a", "a `when` leaves by its branches"),
            ("  - id: a\n    do: faire(x y)\n    gives: {Nom: 3}", "'Nom' cannot be a name"),
            ("  - id: a\n    do: faire\n    gives: {nom: long}", "'nom' must be a whole number"),
            ("  - id: a\n    do: faire\n    reads: oui", "'reads' is true or false, not 'oui'"),
            ('  - id: a\n    do: faire\n    with: {x: "a < 3"}', "nothing more before '<'"),
            ("  - id: a\n    set: {x: true}\n  - id: fin\n    end:", ""),
            ('  - id: a\n    end: {bm: "Fin."}', "unknown key 'bm'"),
            ('  - id: a\n    end: {all: "A", fr: "B"}', "`all` stands alone"),
            ("  - id: a\n    end: {}", "has no 'fr'"),
            ('  - id: a\n    end: {all: "{Nom}"}', "has a brace that is no {name}"),
            ('  - id: a\n    end: {all: "a } b"}', "has a brace that is no {name}"),
            ("  - id: a\n    end: {all: [a]}", "must be a text in double quotes"),
            ("  - a", "'steps' must be a mapping"),
            ("  a: b", "'steps' must be a list"),
        ],
    )
    def test_a_mistake_says_where_and_what_to_do(self, steps: str, told: str) -> None:
        if told:
            assert told in of_steps(steps)
        else:
            a_flow(steps)

    def test_links_that_lead_nowhere(self) -> None:
        told = of_steps(ASK.rstrip() + "\n    next: fim\n" + END)
        assert told == "essai.yaml:7: step 'nom': `next` leads to 'fim', which does not exist; did you mean 'fin'?"

    def test_a_go_for_a_choice_that_is_not_offered(self) -> None:
        told = of_steps('  - id: a\n    menu: {all: "?"}\n    options: {oui: {all: "O"}}\n    go: {ouo: fin}\n' + END)
        assert "`go` names 'ouo', which is no choice here; did you mean 'oui'?" in told

    def test_a_name_that_means_two_things(self) -> None:
        assert "'nom' already names a question or a fact" in of_steps(ASK + "  - id: a\n    set: {nom: 3}\n" + END)
        assert "already the name of a fact" in of_steps(ASK + END, top="facts: {nom: yes_no}")

    def test_everything_a_step_may_say_is_kept(self) -> None:
        flow = amv()
        chef, personnes, devis, confirme = (flow.steps[each] for each in ("chef", "personnes", "devis", "confirme"))
        assert isinstance(chef, Words)
        assert (chef.max, chef.personal, chef.next) == (24, True, "personnes")
        assert isinstance(personnes, Number)
        assert (personnes.low, personnes.high) == (1, 30)
        assert personnes.wrong is not None
        assert isinstance(devis, Do)
        assert (devis.gives, devis.fails, devis.reads) == ({"montant": 7}, "plus_tard", True)
        assert isinstance(confirme, Menu)
        assert (confirme.go, confirme.again, confirme.give_up) == ({"non": "chef"}, 2, "plus_tard")
        recu = flow.steps["recu"]
        assert isinstance(recu, Say)
        assert recu.by_sms
        assert flow.start == {"ussd": ("amv",), "sms": ("AMV", "MUTUELLE")}
        assert flow.resume == Resume(1800, True)
        assert flow.if_dropped == IfDropped(180, "rappel")
        assert flow.reviewed == {"fr": True, "bm": False, "en": False}
        assert flow.speakable(drafts=False) == ("fr",)
        assert flow.speakable(drafts=True) == ("fr", "bm", "en")

    def test_days_and_calls_are_read(self) -> None:
        flow = a_flow(
            '  - id: ne\n    date: {all: "?"}\n    from: -5y\n    to: 2026-12-31\n'
            '  - id: vu\n    date: {all: "?"}\n    from: ne\n    to: +2w\n'
            '  - id: lieux\n    pick: {all: "?"}\n    options_from: lieux_de(ne)\n    with: {rang: 3}\n    empty: fin\n'
            "    fails: fin\n" + END
        )
        ne, vu, lieux = (flow.steps[each] for each in ("ne", "vu", "lieux"))
        assert isinstance(ne, Day)
        assert isinstance(vu, Day)
        assert isinstance(lieux, Pick)
        assert ne.earliest == Bound("-5y", months=-60)
        assert str(ne.latest.day) == "2026-12-31"
        assert vu.earliest == Bound("ne", name="ne")
        assert vu.latest == Bound("+2w", days=14)
        assert lieux.source is not None
        assert list(lieux.source.args) == ["ne", "rang"]

    def test_words_are_folded_once_and_for_all(self) -> None:
        text = amv().title
        assert text.true["bm"] == ("AMV sɛbɛnni",)
        assert text.folded["bm"] == ("AMV sèbènni",)


class TestFlows:
    def test_whether_a_language_was_reviewed_is_said(self) -> None:
        told = mistake_of(source_of(END, languages="[fr, bm]"))
        assert "nobody says whether the 'bm' of this flow was reviewed; write `reviewed: {bm: false}`" in told

    def test_an_unknown_language(self) -> None:
        assert "'br' is no language we have words for" in of_steps(END, languages="[fr, br]")
        assert "name each language of the flow once" in of_steps(END, languages="[fr, fr]")

    def test_the_file_is_named_like_the_flow(self) -> None:
        assert "flow 'essai' belongs in a file named essai.yaml" in mistake_of(source_of(END), "autre.yaml")

    @pytest.mark.parametrize(
        ("top", "told"),
        [
            ("resume: {within: 30}", "'30' is no length of time"),
            ("if_dropped: {after: 3m, sms: rappel}", "if_dropped sends 'rappel', which is no text"),
            ("if_dropped: {after: 3m}", "'sms' is missing"),
            ("facts: {code: text}", "say the most characters of this text"),
            ("facts: {code: texte}", "'texte' is no type of fact; did you mean 'text'?"),
            ("facts: {code: {text: 3, number: 2}}", "a fact has one type and its width"),
            ("facts: {Code: yes_no}", "'Code' cannot be a name"),
            ("start: {sms: {}}", "'sms' must be one value"),
            ("lists: {oui: []}", "'oui' must be a mapping"),
        ],
    )
    def test_mistakes_above_the_steps(self, top: str, told: str) -> None:
        assert told in of_steps(END, top=top)

    def test_every_file_with_a_mistake_is_told_at_once(self) -> None:
        with pytest.raises(FlowMistake) as refused:
            load_sources({"a.yaml": "flow: b", "c.yaml": "flow: ["})
        assert [mistake.file for mistake in refused.value.all()] == ["a.yaml", "c.yaml"]
        assert "a.yaml:1:" in str(refused.value)
        assert "c.yaml:1:" in str(refused.value)

    def test_two_files_cannot_hold_one_flow(self) -> None:
        with pytest.raises(FlowMistake, match="belongs in a file"):
            load_sources({"essai.yaml": source_of(END), "double.yaml": source_of(END)})

    def test_a_folder_without_flows(self, tmp_path: object) -> None:
        with pytest.raises(FlowMistake, match=r"there is no \.yaml file"):
            load_library(tmp_path)  # type: ignore[arg-type]

    def test_a_flow_that_is_not_there(self) -> None:
        with pytest.raises(KeyError, match="there are accord_donne, accueil"):
            load_library().get("acceuil")


class TestSubFlows:
    def test_a_sub_flow_that_does_not_exist(self) -> None:
        told = of_steps("  - id: qui\n    run: identite\n" + END)
        assert "step 'qui': runs 'identite', which does not exist" in told

    def test_a_flow_cannot_run_itself_even_by_another(self) -> None:
        with pytest.raises(FlowMistake, match="a flow cannot run itself: a runs b runs a"):
            load_sources(
                {
                    "a.yaml": source_of("  - id: x\n    run: b\n" + END, "a"),
                    "b.yaml": source_of("  - id: x\n    run: a\n" + END, "b"),
                }
            )

    def test_facts_of_one_name_have_one_type(self) -> None:
        with pytest.raises(FlowMistake, match="fact 'x' is a yes_no in 'b' and a number here"):
            load_sources(
                {
                    "a.yaml": source_of("  - id: r\n    run: b\n" + END, "a", top="facts: {x: number}"),
                    "b.yaml": source_of(END, "b", top="facts: {x: yes_no}"),
                }
            )

    def test_the_hash_covers_the_sub_flows(self) -> None:
        def parent(words: str) -> str:
            return a_flow("  - id: r\n    run: b\n" + END, b=f'  - id: fin\n    end: {{all: "{words}"}}').hash

        assert parent("Un.") == parent("Un.")
        assert parent("Un.") != parent("Deux.")
        assert len(parent("Un.")) == 64

    def test_line_ends_and_a_byte_order_mark_change_nothing(self) -> None:
        source = source_of(END)
        windows = "\ufeff" + source.replace("\n", "\r\n")
        plain, other = (load_sources({"essai.yaml": each}).get("essai") for each in (source, windows))
        assert plain.hash == other.hash

    def test_a_bundle_gives_the_same_flow_back(self) -> None:
        for flow in (*load_library().flows.values(), amv()):
            again = load_bundle(flow.bundle)
            assert again == flow
            assert (again.hash, again.bundle) == (flow.hash, flow.bundle)

    def test_a_bundle_holds_its_sub_flows_and_no_others(self) -> None:
        library = load_library()
        held = json.loads(library.get("accueil").bundle)["sources"]
        assert set(held) == {f"{flow_id}.yaml" for flow_id in library.flows}
        assert set(json.loads(library.get("messages").bundle)["sources"]) == {"messages.yaml"}


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_flow_or_a_mistake(source: str) -> None:
    with pytest.raises(FlowMistake):
        read_flow(source, "essai.yaml")


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_flow_is_read_or_refused_but_never_breaks_the_loader(data: st.DataObject) -> None:
    source = (DATA / "adhesion_amv.yaml").read_text("utf-8")
    start = data.draw(st.integers(0, len(source)))
    length = data.draw(st.integers(0, 30))
    damaged = source[:start] + data.draw(st.text(max_size=10)) + source[start + length :]
    with contextlib.suppress(FlowMistake):
        load_sources({"adhesion_amv.yaml": damaged})
