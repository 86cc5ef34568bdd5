"""Flows with what is seldom written: what people may yet write, for comparing them with their FLOIP."""

ODD = r"""
flow: bizarre
version: 1
title: {all: "Bizarre"}
languages: [fr, bm]
reviewed: {bm: true}
facts:
  urgence: {text: 16}
  connu: yes_no

steps:
  # Labels that are numbers of other lines, and one that is true to nobody.
  - id: combien
    menu: {all: "Combien ?"}
    options:
      deux: {all: "2"}
      un: {all: "1"}
      zero: {all: "0"}
      faux: {all: "FALSE"}
      nul: {fr: "NULL", bm: "foyi"}
    go: {un: nom, nul: langue}

  - id: langue
    menu: {all: "Kan ?"}
    options:
      bm: {all: "Bamanankan"}
      fr: {all: "Français"}
    sets_language: true
    give_up: perdu
    wrong: {fr: "1 ou 2.", bm: "1 walima 2."}

  - id: nom
    text: {fr: "Nom ?", bm: "Tɔgɔ?"}
    max: 6
    give_up: sans_nom
    next: ne_le

  # Nothing is known of a question that was given up, whatever was typed there.
  - id: sans_nom
    when:
      - {if: 'nom != "xx"', go: perdu}
      - {if: "nom", go: perdu}
      - {else: ne_le}

  - id: ne_le
    date: {fr: "Né le ?", bm: "Wolola?"}
    from: -2y
    to: today
    or:
      deux: {all: "2"}
      autre: {fr: "Je ne sais pas", bm: "N t'a dɔn"}
    go: {autre: vu_le}
    give_up: sans_date

  - id: sans_date
    when:
      - {if: "not (age_months(ne_le) == 3) and not ne_le", go: vu_le}
      - {else: perdu}

  # Its bounds are an answer that may not have been given.
  - id: vu_le
    date: {fr: "Vu le ?", bm: "Don?"}
    from: ne_le
    to: +1m

  - id: signes
    pick: {fr: "Signes ?", bm: "Taamasiyɛnw?"}
    options:
      fievre: {fr: "Fièvre", bm: "Farigan"}
      toux: {fr: "Toux", bm: "Sɔgɔsɔgɔ"}
    give_up: sans_signes
    wrong: {fr: "Des chiffres.", bm: "Jatedenw."}

  - id: sans_signes
    when:
      - {if: "not (count(signes) > 1) and not (count(signes) == 1)", go: rien}
      - {if: "count(signes) != 1", go: tous}
      - {else: contact}

  - id: rien
    say: {all: "rien"}
    next: contact

  - id: tous
    say: {all: "tous"}

  - id: contact
    phone: {fr: "Numéro ?", bm: "Nimɔrɔ?"}
    or:
      aucun: {fr: "Aucun", bm: "Foyi"}
    give_up: calcul

  - id: calcul
    set: {age: "age_months(ne_le)", combien_de: "count(signes)", copie: urgence, autre: ne_le}

  - id: premier
    run: petit

  - id: second
    run: petit

  - id: tri
    when:
      - {if: "not (ne_le < vu_le) and not connu", go: essai}
      - {if: 'copie != "112" and (age in (0, 1) or premier.mot == second.mot)', go: fin}
      - {if: "premier.mot != second.mot and not (autre == vu_le)", go: essai}
      - {if: "age_months(ne_le) or combien_de", go: essai}
      - {else: fin}

  - id: essai
    do: tout_garder
    with:
      age: age
      jour: ne_le
      vu: vu_le
      nom: nom
      mois: "age_months(ne_le)"
      n: "count(signes)"
      mot: premier.mot
      oui: connu
    gives: {etat: 9}
    fails: perdu

  - id: encore
    when:
      - {if: 'etat == ""', go: fin}
      - {if: 'etat not in ("", "vu")', go: combien}
      - {else: fin}

  - id: perdu
    end: {fr: "Perdu.", bm: "Tununa."}

  - id: fin
    end: {fr: "Fin {urgence}.", bm: "A banna {urgence}."}
"""

PETIT = """
flow: petit
version: 1
title: {all: "Petit"}
languages: [bm, fr]
reviewed: {bm: true}

steps:
  # The name of a question of the flow around it.
  - id: nom
    menu: {bm: "Wa?", fr: "Oui ?"}
    options: {oui: {bm: "Awɔ", fr: "Oui"}, non: {bm: "Ayi", fr: "Non"}}
    go: {non: fin}

  - id: mot
    text: {bm: "Daɲɛ? {nom}", fr: "Mot ? {nom}"}
    max: 1

  - id: fin
    end: {bm: "Awɔ @(1)", fr: "Bien @@ @nom"}
"""

ODD_LIBRARY = {"bizarre.yaml": ODD, "petit.yaml": PETIT}
