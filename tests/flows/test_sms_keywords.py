"""The word that begins a conversation, as people type it on nine keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.loader import load_library
from flows.sms_keywords import find_keyword, is_only_polite, is_word, keywords_of, openings

WORDS = {
    "amv": "adhesion", "mutuelle": "adhesion", "mamutuelle": "la_mienne", "rdv": "visite", "vaccin": "visite",
    "ramed": "ramed", "menu": "accueil", "bras": "mesure", "centre": "centre", "keneyaso": "centre",
}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "flow"),
    [
        ("AMV", "adhesion"), ("amv.", "adhesion"), ("A.M.V.", "adhesion"), ("a m v", "adhesion"), ("AMV4", "adhesion"),
        ("Amv svp", "adhesion"), ("Bonjour, je voudrais AMV", "adhesion"), ("amv 4 personnes", "adhesion"),
        ("Mutuelle", "adhesion"), ("la mutuelle", "adhesion"), ("MUTUELE", "adhesion"), ("mutuèlle", "adhesion"),
        ("ma mutuelle", "la_mienne"), ("MaMutuelle", "la_mienne"),
        ("rdv2", "visite"), ("RDV 2", "visite"), ("vaccins", "visite"), ("vacin", "visite"), ("VACC1N", "visite"),
        ("M3NU", "accueil"), ("menu!", "accueil"), ("men u", "accueil"), ("mennu", "accueil"),
        ("kɛnɛyaso", "centre"), ("kènèyaso", "centre"), ("KENEYASO", "centre"), ("centre de santé", "centre"),
        ("oui", None), ("1", None), ("", None), ("12 05 2026", None), ("merci", None), ("arret", None),
        ("je suis allée au centre hier avec ma fille", None), ("centre " * 60, None),
    ],
)  # fmt: skip
def test_what_is_typed_asks_for(typed: str, flow: str | None) -> None:
    assert find_keyword(typed, WORDS) == flow


def test_a_word_near_two_keywords_asks_for_neither() -> None:
    assert find_keyword("maison", {"maisons": "a", "raison": "b"}) is None


def test_the_words_of_our_own_flows_are_found_as_they_stand() -> None:
    library = load_library()
    for flow in library.flows.values():
        for word in flow.start.get("sms", ()):
            assert find_keyword(word, keywords_of(library)) == flow.id
            assert find_keyword(f"{word.lower()} svp", keywords_of(library)) == flow.id


def test_nothing_that_we_send_asks_for_a_conversation_by_itself() -> None:
    """Or two of our lines would talk to each other for ever."""
    from flows.phrases import standard

    keywords = keywords_of(load_library())
    for key in ("sms.help", "stop_done", "start_done"):
        said = standard().say(key, "fr", sender="Laseli", code="*384*223#")
        assert find_keyword(said, keywords) is None


def test_people_read_the_words_as_they_are_written_with_what_they_begin() -> None:
    found = openings(load_library())
    assert (("AMV", "MUTUELLE"), "Adhésion à l'AMV") in found
    assert len(found) == len(set(keywords_of(load_library()).values())), "each conversation once"


def test_back_and_thanks() -> None:
    assert is_word(" Retour ", frozenset({"retour"}))
    assert not is_word("retour au menu", frozenset({"retour"}))
    assert is_only_polite("Merci beaucoup !")
    assert is_only_polite("I ni ce")
    assert not is_only_polite("merci, mon enfant est malade")
    assert not is_only_polite("")


@given(st.text(max_size=300))
def test_whatever_is_typed_is_read(typed: str) -> None:
    assert find_keyword(typed, WORDS) in {None, *WORDS.values()}
