"""The quartiers and health centres of Commune III."""

import pytest

from service.domain.places import FOLDER, PlacesMistake, built_in_places, load_places
from service.domain.vaccination import built_in_calendar

PLACES = built_in_places()
TEXT = (FOLDER / "commune3.yaml").read_text(encoding="utf-8")


def test_the_24_quartiers_and_three_without_a_centre():
    assert len(PLACES.zones) == 24
    without = [zone.name for zone in PLACES.zones if zone.centre_code is None]
    assert without == ["Koulouniko", "Quartier du fleuve", "Sirakoro Dounfing"]
    assert [zone.name for zone in PLACES.zones] == sorted(zone.name for zone in PLACES.zones)


def test_each_centre_serves_its_quartiers():
    assert PLACES.centre_of("darsalam").name == "ASACODAR"
    assert PLACES.centre_of("ex-base-b").code == "PGJ5"
    assert PLACES.centre_of("koulouniko") is None
    assert PLACES.centre_of("kayes") is None
    assert PLACES.centre(None) is None
    served = {zone.centre_code for zone in PLACES.zones} - {None}
    assert {centre.code for centre in PLACES.centres if centre.kind == "cscom"} == served
    assert PLACES.centre("KR20").kind == "reference"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("N'Tomikorobougou", "ntomikorobougou"),
        ("tominkorobougou", "ntomikorobougou"),
        ("N\u2019TOMINKOROBOUGOU", "ntomikorobougou"),
        ("wolofobougou", "ouolofobougou"),
        ("Point  G", "point-g"),
        ("pointg", "point-g"),
        ("Badialan2", "badialan-2"),
        ("Médine", None),
        ("", None),
    ],
)
def test_a_quartier_is_read_as_people_spell_it(typed, code):
    zone = PLACES.zone_spelt(typed)
    assert (zone and zone.code) == code


def test_vaccination_days_are_told_never_guessed():
    assert all(centre.vaccination_days == () for centre in PLACES.centres), "none was found"
    told = load_places(TEXT.replace("name: ASACODAR,", "name: ASACODAR, vaccination_days: [mon, wed],"))
    assert told.centre_of("darsalam").vaccination_days == ("mon", "wed")


def test_the_district_gets_its_vaccine_profile():
    assert built_in_calendar().profile_for(PLACES.district) == "infant"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("centre: GY73}", "centre: GY74}", "centre 'GY74' is not in 'centres'"),
        ("code: darsalam", "code: Darsalam", "must be small letters"),
        ("code: darsalam", "code: dravela", "a code is there twice"),
        ("name: Darsalam", "name: Dravela", "are spelt alike"),
        ("name: ASACODAR,", "name: ASACODAR, vaccination_days: [lundi],", "takes mon, tue"),
        ("name: ASACODAR,", "name: ASACODAR, vaccination_days: [mon, mon],", "a day twice"),
        ("name: ASACODAR", "name: ASACODARASACODARASACODARA", "longer than 24"),
        ("kind: reference", "kind: hospital", "one of cscom, reference"),
        ("district: Commune III", "distrikt: Commune III", "'district' is missing"),
    ],
)
def test_a_mistake_in_the_file_is_named(old, new, words):
    assert old in TEXT
    with pytest.raises(PlacesMistake, match=words):
        load_places(TEXT.replace(old, new, 1))
