"""One way to write a flow: nothing is lost, and writing twice changes nothing."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import fmt
from flows.loader import DEFINITIONS, load_sources
from flows.mistakes import FlowMistake
from flows.phrases import FOLDER, read_phrases
from tests.flows.callers import DATA, amv, source_of

FILES = sorted([*DEFINITIONS.glob("*.yaml"), DATA / "adhesion_amv.yaml"])
UGLY = """\
# Premier mot.
version: 1   # la première
languages: [ fr,  bm ]
flow: essai
title: {all: 'Essai'}
reviewed: {bm: false}
steps:
 # Qui ?
 - text:
     bm: "I tɔgɔ ?"
     # En français d'abord.
     fr: 'Votre nom, c''est "quoi" ?'
   max: 9
   id: "nom"
   next: 'tri'   # tout de suite

 - id: tri
   when:
     # Personne.
     - {go: fin, if: 'nom == "x"'}
     - else: fin
   # Avant la fin.
 - {id: fin, end: {fr: "Fin \\u00e0 *1# \\\\ \\"là\\"\\n.", bm: "A bana."}}
# Dernier mot.
"""
NEAT = """\
# Premier mot.
flow: essai
# la première
version: 1
title: {all: "Essai"}
languages: [fr, bm]
reviewed: {bm: false}

steps:
  # Qui ?
  - id: nom
    # En français d'abord.
    text: {fr: "Votre nom, c'est \\"quoi\\" ?", bm: "I tɔgɔ ?"}
    max: 9
    # tout de suite
    next: tri

  - id: tri
    when:
      # Personne.
      - {if: 'nom == "x"', go: fin}
      - {else: fin}

  # Avant la fin.
  - id: fin
    end: {fr: "Fin à *1# \\\\ \\"là\\"\\n.", bm: "A bana."}
# Dernier mot.
"""


def test_an_untidy_file_is_put_in_order_with_its_comments() -> None:
    neat = fmt.format_source(UGLY, "essai.yaml")
    assert neat == NEAT


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_our_files_are_written_in_the_one_form(path: Path) -> None:
    source = path.read_text("utf-8")
    assert fmt.format_source(source, path.name) == source


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_our_phrases_are_too(path: Path) -> None:
    source = path.read_text("utf-8")
    assert fmt.format_source(source, path.name) == source
    assert read_phrases({path.name: fmt.format_source(source, path.name)}) == read_phrases({path.name: source})


def test_reading_what_was_written_gives_the_same_flow() -> None:
    again = load_sources({"adhesion_amv.yaml": fmt.write(amv())}).get("adhesion_amv")
    assert again == amv()


def test_what_cannot_be_read_is_not_rewritten() -> None:
    with pytest.raises(FlowMistake, match="this is not YAML"):
        fmt.format_source("flow: [", "essai.yaml")


words = st.text(st.characters(exclude_characters="{}", exclude_categories=("Cs",)), min_size=1, max_size=30)


@given(st.lists(words, min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_words_come_back_as_they_were(texts: list[str]) -> None:
    steps = "".join(f"  - id: s{place}\n    say: {{fr: {fmt._quoted(text)}}}\n" for place, text in enumerate(texts))
    source = source_of(steps + "  - id: fin\n    end:")
    neat = fmt.format_source(source, "essai.yaml")
    flow = load_sources({"essai.yaml": neat}).get("essai")
    assert [flow.steps[f"s{place}"].text.written["fr"] for place in range(len(texts))] == texts  # type: ignore[attr-defined]
    assert fmt.format_source(neat, "essai.yaml") == neat
