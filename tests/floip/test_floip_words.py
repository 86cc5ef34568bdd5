"""A container's words: chosen by language and mode, and what stands in where some are missing."""

from __future__ import annotations

from typing import Any

from tests.floip.containers import Flow, Raw, container, said, talk


def spoken(values: list[Raw], **run: Any) -> str:
    flow = Flow("mots").say("mot", "-")
    flow.resources[0]["values"] = values
    return said(talk(container(flow), **run))[0]


def words(language: str, said: str, *modes: str, kind: str = "TEXT") -> Raw:
    return {"language_id": language, "content_type": kind, "modes": list(modes), "value": said}


def test_words_are_chosen_by_language_and_mode() -> None:
    values = [
        words("bam", "bu", "USSD"),
        words("fra", "fs", "SMS"),
        words("fra", "fu", "USSD"),
        words("fra", "fr", "RICH_MESSAGING"),
    ]
    assert spoken(values) == "fu"
    assert spoken(values, mode="sms") == "fs"
    assert spoken(values, mode="RICH_MESSAGING") == "fr"
    assert spoken(values, language="bam") == "bu"


def test_where_a_mode_or_a_language_is_missing_the_nearest_stands_in() -> None:
    assert spoken([words("fra", "sms", "SMS"), words("fra", "text", "TEXT")]) == "text"
    assert spoken([words("fra", "sms", "SMS"), words("fra", "rich", "RICH_MESSAGING")]) == "sms"
    assert spoken([words("fra", "image", "USSD", kind="IMAGE"), words("fra", "mot", "USSD")]) == "mot"
    assert spoken([words("fra", "f", "USSD")], language="bam") == "f"
    assert spoken([words("fra", "la.wav", "IVR", kind="AUDIO"), words("fra", "lu", "IVR")], mode="IVR") == "la.wav"
    assert spoken([words("bam", "b", "USSD")]) == ""


def test_a_language_is_named_by_its_identifier_or_by_its_iso_code() -> None:
    flow = Flow("voix", languages=("fra-homme", "fra-femme")).say("mot", {"fra-homme": "lui", "fra-femme": "elle"})
    assert said(talk(container(flow), language="fra-femme")) == ["elle"]
    assert said(talk(container(flow), language="fra")) == ["lui"]
    assert said(talk(container(flow), language="eng")) == ["lui"]
    assert said(talk(container(flow), language=None, contact={"language": "fra-femme"})) == ["elle"]


def test_question_prompt_goes_before_prompt_and_no_prompt_waits_in_silence() -> None:
    flow = Flow("repas").choose("plat", "Quel plat ?", {"riz": "Riz"})
    config = flow.blocks[0]["config"]
    config["prompt"] = flow.resource("long", "Quel plat ? 1 pour le riz")
    assert said(talk(container(flow))) == ["Quel plat ?"]
    del config["question_prompt"]
    assert said(talk(container(flow))) == ["Quel plat ? 1 pour le riz"]
    del config["prompt"]
    run = talk(container(flow), "1")
    assert run["turns"][0]["out"] == []
    assert run["end"]["results"] == {"plat": "riz"}


def test_labels_may_hold_expressions_and_a_choice_without_words_shows_its_name() -> None:
    flow = Flow("repas").choose("plat", "Quel plat ?", {"riz": "Riz de @contact.name", "mil": "-"})
    del flow.blocks[0]["config"]["choices"][1]["prompt"]
    labels = talk(container(flow), contact={"name": "Awa"})["turns"][0]["out"][0]["choices"]
    assert labels == [{"name": "riz", "label": "Riz de Awa"}, {"name": "mil", "label": "mil"}]
