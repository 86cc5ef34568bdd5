"""Check 25: what happens when the line drops, with each of its faults planted."""

from tests.flows.planted import FIN, NOM, only, planted, told

FORM = (
    '  - id: accord\n    menu: {all: "Oui ?"}\n    options:\n      oui: {all: "Oui"}\n      non: {all: "Non"}\n'
    "    go: {non: fin}\n"
)
TEXT = '\ntexts:\n  rappel: {all: "Faites {code}."}\nfacts:\n  code: {text: 12}'


def test_a_form_that_is_cut_and_goes_on_has_nothing_to_mend() -> None:
    top = "resume: {within: 30m, ask: true}\nif_dropped: {after: 3m, sms: rappel}\n"
    found = planted(FORM + NOM + FIN, top=top + "unfinished: {after: 1h, consent: accord}" + TEXT)
    assert not [each for each in found if each.level == "error"]


def test_a_title_too_long_for_the_offer() -> None:
    title = '  - id: q\n    menu: {all: "A ?"}\n    options:\n      a: {all: "A"}\n'
    from flows import check
    from flows.loader import load_sources
    from tests.flows.callers import source_of

    source = source_of(title + FIN).replace('{all: "Essai"}', '{all: "Un titre de plus de trente lettres"}')
    assert "34 of 30 septets" in only(check.check(load_sources({"essai.yaml": source}), {}), 25)


def test_going_on_later_than_anything_is_kept() -> None:
    assert "24h at most" in only(planted(NOM + FIN, top="resume: {within: 2d, ask: true}"), 25)


def test_an_sms_that_promises_what_a_redial_does_not_do() -> None:
    found = planted(NOM + FIN, top="if_dropped: {after: 3m, sms: rappel}" + TEXT)
    assert "a redial begins afresh" in only(found, 25, "warning")


def test_an_sms_that_comes_too_late() -> None:
    top = "resume: {within: 3m, ask: true}\nif_dropped: {after: 3m, sms: rappel}" + TEXT
    assert "too late" in only(planted(NOM + FIN, top=top), 25)


def test_a_mediator_who_takes_over_too_early() -> None:
    top = "resume: {within: 30m, ask: true}\nunfinished: {after: 10m, consent: accord}"
    assert "may still go on" in only(planted(FORM + NOM + FIN, top=top), 25)


def test_a_consent_that_nobody_can_refuse() -> None:
    top = "unfinished: {after: 1h, consent: nom}"
    assert any("no menu whose no leads elsewhere" in each for each in told(planted(NOM + FIN, top=top), 2))
