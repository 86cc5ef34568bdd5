"""A library that holds every kind of step with every key, for journeys into other forms and back."""

from pathlib import Path

DATA = Path(__file__).parent.parent / "flows" / "data"

# Special letters, quotes of both kinds, at signs and braces of names; conditions of each operator.
TOUT = r"""
flow: tout
version: 7
title: {fr: "Tout « essayer »", bm: "Bɛɛ"}
languages: [fr, bm]
reviewed: {fr: false, bm: true}
start: {ussd: tout, sms: [TOUT, "TOUT VA"]}
resume: {within: 90s, ask: true}
if_dropped: {after: 2h, sms: rappel}
facts:
  connu: yes_no
  enfants: {number: 2}
  depuis: date
  code: {text: 12}

lists:
  oui_non:
    oui: {fr: "Oui, d'accord", bm: "Awɔ"}
    non: {fr: "Non", bm: "Ayi"}
  jamais_pris:
    a: {all: "Rien"}

steps:
  - id: langue
    menu: {all: "Langue / Kan @ {code}"}
    options:
      fr: {all: "Français"}
      bm: {all: "Bamanankan"}
    sets_language: true

  - id: accord
    menu: {fr: "D'accord, \"vraiment\" ?", bm: "I sɔnna wa?"}
    options: oui_non
    go: {non: fin, oui: nom}
    again: 2
    give_up: plus_tard
    wrong: {fr: "1 ou 2", bm: "1 walima 2"}

  - id: nom
    text: {fr: "Nom ? œ @contact {code}", bm: "Tɔgɔ?"}
    max: 24
    personal: true

  - id: surnom
    text: {fr: "Surnom ?"}
    max: 12
    or:
      aucun: {fr: "Aucun", bm: "Foyi"}
      cache: {all: "***"}
    go: {cache: pb}

  - id: pb
    number: {fr: "Bras en mm ?", bm: "mm?"}
    from: -5
    to: 250
    wrong: {fr: "De -5 à 250", bm: "-5 fo 250"}
    give_up: plus_tard

  - id: ne_le
    date: {fr: "Né le ?", bm: "Wolola?"}
    from: -5y
    to: today
    or:
      inconnue: {fr: "Je ne sais pas", bm: "N t'a dɔn"}
    go: {inconnue: signes}

  - id: le
    date: {fr: "Vu le ?", bm: "?"}
    from: ne_le
    to: +2w
    give_up: plus_tard

  - id: rendez_vous
    date: {fr: "Rendez-vous ?", bm: "Don?"}
    from: 2026-01-31
    to: +3m
    wrong: {fr: "Une date.", bm: "Don."}

  - id: depuis_le
    date: {all: "Depuis ?"}
    from: -10d
    to: depuis

  - id: contact2
    phone: {fr: "Numéro ?", bm: "Nimɔrɔ?"}
    country: SN
    personal: true

  - id: sans
    phone: {fr: "Autre ?", bm: "Wɛrɛ?"}
    or:
      aucun: {all: "Aucun"}

  - id: signes
    pick: {fr: "Signes ?", bm: "Taamasiyɛnw?"}
    options:
      fievre: {fr: "Fièvre", bm: "Farigan"}
      toux: {fr: "Toux", bm: "Sɔgɔsɔgɔ"}
      A: {all: "Rien"}
    personal: true

  - id: cercle
    menu: {fr: "Cercle ?", bm: "Cercle?"}
    options_from: cercles
    show: 33
    skip_if_one: true
    empty: plus_tard
    fails: fin

  - id: village
    menu: {fr: "Village ?", bm: "Dugu?"}
    options_from: "villages(cercle)"
    go: {none: tri}
    fails: plus_tard

  - id: villages_vus
    pick: {fr: "Lesquels ?", bm: "Jumɛnw?"}
    options_from: villages
    with: {dans: cercle, mois: "age_months(ne_le)", combien: "count(signes)", mot: '"a@b \ {c}"', n: -3}
    empty: tri

  - id: tri
    when:
      - {if: "pb < 115 and pb >= -5 or not connu", go: rouge}
      - {if: "(connu or enfants > 2) and not (pb <= 3)", go: rouge}
      - {if: 'accord in ("oui", "non") and village not in ("a", "b")', go: compte}
      - {if: "count(signes) != 2", go: compte}
      - {if: "signes and surnom and ne_le and pb", go: compte}
      - {if: "age_months(ne_le)  ==  6", go: compte}
      - {if: 'nom != "" and nom != ''Dit "Le Grand"''', go: compte}
      - {if: "le > ne_le and depuis < le", go: compte}
      - {if: 'enfant.nom == "Awa" and enfant.plus.age > 2', go: compte}
      - {else: compte}

  - id: rouge
    say: {fr: "{nom} : rouge {accord}, {signes}.", bm: "{nom}: {accord}, {signes}."}
    next: enfant

  - id: compte
    set: {total: pb, mot: '"vu"', age: "age_months(ne_le)", combien: "count(signes)", rien: accord, l_un: ne_le}

  - id: enfant
    run: enfant

  - id: garder
    do: keep_all
    with: {nom: nom, quand: le, sexe: enfant.sexe, plus: enfant.plus.age, fixe: 3, mot: '"un mot"'}
    gives: {numero: 10, x: 3}
    fails: plus_tard

  - id: lire
    do: look
    gives: {x: 3}
    reads: true

  - id: recu
    say: {fr: "{numero} {x} {enfant.sexe} {enfant.plus.age} {le} {rien}", bm: "{numero} {x}"}
    by: sms
    parts: 2

  - id: z
    number: {all: "?"}
    from: 0
    to: 9
    next: fin

  - id: plus_tard
    end: {fr: "Plus tard. {z}", bm: "Kɔfɛ. {z}"}

  - id: fin
    end:

texts:
  rappel: {fr: "Pas terminé : {code}", bm: "A ma ban: {code}"}
  autre: {all: "Autre"}
"""

ENFANT = """
flow: enfant
version: 1
title: {all: "E"}
languages: [bm, fr]
reviewed: {bm: false}
facts: {code: {text: 12}}

steps:
  - id: nom
    text: {bm: "Tɔgɔ? {code}", fr: "Nom ? {code}"}
    max: 20
    next: sexe

  - id: deja
    say: {all: "Déjà"}

  - id: sexe
    menu: {bm: "Den?", fr: "Enfant ?"}
    options:
      F: {bm: "Denmuso", fr: "Fille"}
      M: {bm: "Dencɛ", fr: "Garçon"}
    go: {M: deja}

  - id: plus
    run: plus

  - id: fin
    end: {all: "Merci"}
"""

PLUS = """
flow: plus
version: 2
title: {fr: "Plus", bm: "Plus"}
languages: [fr, bm]
reviewed: {bm: false}

steps:
  - id: age
    number: {fr: "Âge ?", bm: "Si?"}
    from: 0
    to: 99

  - id: fin
    end:
"""

LIBRARY = {"tout.yaml": TOUT, "enfant.yaml": ENFANT, "plus.yaml": PLUS}
AMV = {"adhesion_amv.yaml": (DATA / "adhesion_amv.yaml").read_text(encoding="utf-8")}
