"""Sentences that stand outside conversations: what may be put into them, and that the longest still fits."""

import pytest

from flows import check, phrases
from flows.check import Finding
from flows.checks.sentences import widest_sentence
from flows.mistakes import FlowMistake
from flows.phrases import Phrases, load_phrases, read_phrases
from flows.sms_text import fold, measure

HEAD = "phrases: essai\nlanguages: [fr, bm]\nreviewed: {bm: false}\nslots: {nom: 9, suite: [oui, non]}\n"
FILLED = {
    "sender": "Laseli",
    "dates": "16/12, 18/12 et 20/12",
    "days": "16/12",
    "centre": "CSCom de N'Tomikorobougou",
    "booklets": "le carnet",
    "code": "*000*223#",
}
REMINDERS = ["recall.before", "recall.before.plan", "recall.before.expected", "recall.late", "recall.from"]


def of(texts: str, head: str = HEAD) -> Phrases:
    return read_phrases({"essai.yaml": f"{head}texts:\n{texts}\n"})


def found(texts: str, number: int, head: str = HEAD) -> list[Finding]:
    """What this check says about the sentences, the engine's own put aside."""
    findings = check.check_phrases(of(texts, head))
    return [each for each in findings if each.check == number and each.file == "essai.yaml"]


class TestReminders:
    @pytest.mark.parametrize("language", ["fr", "bm", "en"])
    @pytest.mark.parametrize("key", REMINDERS)
    @pytest.mark.parametrize("stop", ["stop.two_way", "stop.one_way"])
    def test_the_longest_reminder_is_one_sms(self, key: str, language: str, stop: str) -> None:
        ours = load_phrases()
        longest = {"sender": "m" * 11, "dates": "m" * 22, "days": "m" * 14, "centre": "m" * 24, "code": "m" * 12}
        longest["booklets"] = ours.say("booklets.several", language)
        clause = ours.say(stop, language, code=longest["code"])
        text = fold(ours.say(key, language, stop=clause, **longest))
        assert measure(text).encoding == "gsm7"
        assert measure(text).parts == 1

    def test_a_reminder_before_the_day(self) -> None:
        stop = phrases.say("stop.two_way", "fr", **FILLED)
        assert phrases.say("recall.before", "fr", stop=stop, **FILLED) == (
            "Laseli: rendez-vous à partir du 16/12, 18/12 et 20/12, au CSCom de N'Tomikorobougou, avec le carnet."
            " Info *000*223#. Arrêter: ARRET."
        )

    def test_a_reminder_after_the_day_blames_nobody(self) -> None:
        stop = phrases.say("stop.one_way", "fr", **FILLED)
        text = phrases.say("recall.late", "fr", stop=stop, **FILLED)
        assert text.startswith("Laseli: venez cette semaine dès le 16/12, au CSCom")
        assert "Si c'est fait, merci." in text
        assert text.endswith("Info *000*223#, arrêt: 5 puis 1.")

    def test_where_nobody_can_answer_no_word_asks_them_to(self) -> None:
        for language in ("fr", "bm", "en"):
            text = phrases.say("stop.one_way", language, **FILLED)
            assert "ARRET" not in text
            assert FILLED["code"] in text

    @pytest.mark.parametrize("language", ["fr", "bm", "en"])
    def test_who_stops_is_told_for_whom_and_how_to_begin_again(self, language: str) -> None:
        stopped = phrases.say("stop_done", language, **FILLED)
        assert FILLED["code"] in stopped
        assert FILLED["code"] in phrases.say("start_done", language, **FILLED)

    def test_nothing_names_an_illness_or_a_person(self) -> None:
        for phrase in load_phrases().by_key.values():
            for words in phrase.text.written.values():
                for word in ("vaccin", "rougeole", "polio", "malad", "bana", "bolo", "{nom}", "demain", "aujourd"):
                    assert word not in words.casefold()

    def test_ours_have_nothing_to_mend(self) -> None:
        findings = check.check_phrases(load_phrases())
        assert {(each.level, each.check) for each in findings} == {("note", 23)}

    def test_a_draft_is_replaced_by_french_where_it_may_not_be_shown(self) -> None:
        ours = load_phrases()
        assert ours.language_for("recall.before", "bm", drafts=True) == "bm"
        assert ours.language_for("recall.before", "bm", drafts=False) == "fr"
        assert ours.language_for("recall.before", "xx", drafts=True) == "fr"


class TestReading:
    def test_a_missing_slot_is_told(self) -> None:
        with pytest.raises(FlowMistake, match=r"phrase 'recall.before' needs \{sender\}; given: code"):
            phrases.say("recall.before", "fr", code="*1#")

    def test_a_missing_phrase_names_the_nearest(self) -> None:
        with pytest.raises(FlowMistake, match=r"there is no phrase 'recall.befor'; did you mean 'recall.before'"):
            phrases.say("recall.befor", "fr")

    def test_an_unknown_language_gets_the_first_one(self) -> None:
        assert phrases.say("goodbye", "sw") == phrases.say("goodbye", "fr")

    @pytest.mark.parametrize(
        ("source", "told"),
        [
            (HEAD + 'texts:\n  a: {fr: "{age}"}', "essai.yaml:6: step 'a': {age} is not among the `slots`"),
            (HEAD + "texts:\n  a: {fr: Bonjour}", "must stand in double quotes"),
            (HEAD + 'texts:\n  A: {fr: "a"}', "'A' cannot be a key"),
            (HEAD.replace("essai", "autre") + 'texts:\n  a: {fr: "a"}', "belongs in a file named autre.yaml"),
            (
                HEAD.replace("reviewed: {bm: false}\n", "") + 'texts:\n  a: {fr: "a"}',
                "say whether a speaker reviewed 'bm'",
            ),
            (HEAD + "textes: {}\n", "'texts' is missing"),
            (HEAD + "partes: 2\ntexts: {}\n", "unknown key 'partes'; did you mean 'parts'?"),
        ],
    )
    def test_a_mistake_says_where(self, source: str, told: str) -> None:
        with pytest.raises(FlowMistake) as refused:
            read_phrases({"essai.yaml": source})
        assert told in str(refused.value)

    def test_two_files_cannot_hold_one_key(self) -> None:
        with pytest.raises(FlowMistake, match=r"phrase 'a' is also in essai.yaml"):
            read_phrases(
                {
                    "essai.yaml": HEAD + 'texts: {a: {all: "A"}}',
                    "deux.yaml": HEAD.replace("essai", "deux") + 'texts: {a: {all: "A"}}',
                }
            )


class TestChecking:
    def test_6_a_missing_language(self) -> None:
        assert found('  a: {fr: "A"}', 6)[0].message.startswith("nothing is written in 'bm'")

    def test_6_different_slots(self) -> None:
        assert "{nom} is in one language" in found('  a: {fr: "A {nom}", bm: "A"}', 6)[0].message

    def test_6_the_engine_needs_its_words(self) -> None:
        missing = [each.step for each in check.check_phrases(of('  a: {all: "A"}')) if each.file == "engine.yaml"]
        assert "more" in missing
        assert "help.date" in missing

    def test_7_the_longest_value_is_too_long(self) -> None:
        fits = found(f'  a: {{all: "{"m" * 151}{{nom}}"}}', 7)
        assert fits == []
        over = found(f'  a: {{all: "{"m" * 152}{{nom}}"}}', 7)
        assert over[0].message.startswith("1 septets too many for 1 SMS")
        assert over[0].line == 6

    def test_7_the_longest_of_several_sentences_is_put_in(self) -> None:
        texts = f'  oui: {{all: "oui"}}\n  non: {{all: "non, {{nom}}"}}\n  a: {{all: "{"m" * 150}{{suite}}"}}'
        ours = of(texts)
        assert widest_sentence(ours.by_key["a"], ours, "fr") == 150 + len("non, ") + 9
        assert found(texts, 7)[0].step == "a"

    def test_7_more_parts_hold_more(self) -> None:
        texts = f'  a: {{all: "{"m" * 306}"}}'
        assert found(texts, 7, HEAD + "parts: 2\n") == []
        assert found(texts.replace("mm", "mmm", 1), 7, HEAD + "parts: 2\n") != []

    def test_2_a_slot_that_is_a_sentence_that_does_not_exist(self) -> None:
        told = found('  oui: {all: "oui"}\n  a: {all: "{suite}"}', 2)
        assert "{suite} may be 'non', which does not exist" in told[0].message

    def test_8_21_22_letters_codes_and_times(self) -> None:
        assert found('  a: {all: "😀"}', 8)
        assert found('  a: {all: "Faites *123#"}', 21)
        assert found('  a: {all: "À demain"}', 22)
        assert found('  a: {all: "Aujourd’hui"}', 22)
