"""Pages: whatever is said and offered, all of it can be read and every choice taken."""

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.engine import Handset
from flows.screens import Page, cut, pages_of_end, pages_of_question
from flows.sms_text import fold, units
from flows.words import foot

# Folded words, some with characters that count twice.
a_word = st.text(st.sampled_from("abcdeé[]{}€|0123456789"), min_size=1, max_size=12)
some_words = st.lists(a_word, max_size=60).map(" ".join)
long_word = st.text(st.sampled_from("ab€"), min_size=150, max_size=400)
# The checker refuses choices that no page holds; those of data are cut to what the flow shows of them.
labels = st.lists(a_word | st.text(st.sampled_from("xy€"), min_size=15, max_size=20), max_size=30)
handsets = st.builds(Handset, limit=st.integers(80, 182))


def words_of(page: Page, language: str, handset: Handset) -> str:
    """What is on the page above the line of keys."""
    last = {foot(language, more, back) for more in (handset.more, "") for back in (handset.back, "")} - {""}
    lines = page.text.split("\n")
    return "\n".join(lines[:-1] if lines[-1] in last else lines)


@given(some_words, some_words, labels, st.booleans(), st.sampled_from(["fr", "bm"]), handsets)
@settings(max_examples=400)
def test_every_word_is_read_and_every_choice_can_be_taken(
    said: str, question: str, offered: list[str], back: bool, language: str, handset: Handset
) -> None:
    question = question or "?"
    pages = pages_of_question(said, question, offered, can_go_back=back, language=language, handset=handset)
    assert all(units(page.text) <= handset.limit for page in pages)
    choices = [page.shown.first + place for page in pages for place in range(page.shown.count)]
    assert choices == list(range(len(offered)))
    assert all(page.shown.count <= 8 for page in pages)
    assert all(page.shown.more for page in pages[:-1])
    assert not pages[-1].shown.more
    assert pages[-1].shown.asks
    read = " ".join(words_of(page, language, handset) for page in pages)
    numbered = [f"{place} {label}" for page in pages for place, label in _taken(page, offered)]
    assert " ".join(read.split()) == " ".join(" ".join([said, question, *numbered]).split())


def _taken(page: Page, offered: list[str]) -> list[tuple[int, str]]:
    return list(enumerate(offered[page.shown.first : page.shown.first + page.shown.count], 1))


@given(some_words | long_word, handsets)
def test_last_words_are_read_to_the_end(said: str, handset: Handset) -> None:
    pages = pages_of_end(said, language="fr", handset=handset)
    assert all(units(page.text) <= handset.limit for page in pages)
    read = "".join(words_of(page, "fr", handset) for page in pages)
    assert "".join(read.split()) == "".join(said.split())


@given(st.text(max_size=400), st.integers(2, 60))
def test_cutting_loses_nothing_but_spaces(text: str, room: int) -> None:
    folded = fold(text)
    pieces = cut(folded, room)
    assert all(units(piece) <= room for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(folded.split())
