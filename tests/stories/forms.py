"""A small line of conversations for tests: a menu, a form that may be cut, a sensitive talk, and a plain one."""

HEAD = "version: 90\nlanguages: [fr]\nreviewed: {}\n"
ACCUEIL = (
    "flow: accueil\n"
    + HEAD
    + 'title: {fr: "Accueil"}\nstart: {ussd: accueil, sms: [MENU]}\nfacts:\n  code: {text: 12}\n'
    """steps:
  - id: choix
    menu: {fr: "Que voulez-vous ?"}
    options:
      forme: {fr: "Adhésion"}
      parler: {fr: "Parler"}
      avis: {fr: "Avis"}
    go: {forme: la_forme, parler: le_parler, avis: l_avis}
  - id: la_forme
    run: forme
    next: fin
  - id: le_parler
    run: discret
    next: fin
  - id: l_avis
    run: simple
    next: fin
  - id: fin
    end:
"""
)
FORME = (
    "flow: forme\n" + HEAD + 'title: {fr: "Adhésion"}\nstart: {sms: [ADHESION]}\n'
    "resume: {within: 30m, ask: true}\nif_dropped: {after: 3m, sms: rappel}\nunfinished: {after: 1h, consent: accord}\n"
    "facts:\n  code: {text: 12}\n"
    """steps:
  - id: accord
    menu: {fr: "D'accord ?"}
    options:
      oui: {fr: "Oui"}
      non: {fr: "Non"}
    go: {non: refus}
  - id: nom
    text: {fr: "Votre nom ?"}
    max: 24
    personal: true
  - id: personnes
    number: {fr: "Combien de personnes ?"}
    from: 1
    to: 30
    give_up: refus
  - id: confirme
    menu: {fr: "{nom}, {personnes} ?"}
    options:
      oui: {fr: "Oui"}
      non: {fr: "Non"}
    go: {non: nom}
    again: 2
  - id: ecrire
    do: start_messages
    with: {purpose: '"all"'}
    fails: refus
  - id: recu
    say: {fr: "Demande de {personnes} personnes. Gardez ce SMS."}
    by: sms
  - id: bien
    end: {fr: "C'est noté."}
  - id: refus
    end: {fr: "Rien n'est gardé."}
texts:
  rappel: {fr: "Demande non terminée. Faites {code} pour continuer."}
"""
)
DISCRET = (
    "flow: discret\n" + HEAD + 'title: {fr: "Conseil"}\nsensitive: true\n'
    """steps:
  - id: lire
    menu: {fr: "Mieux vaut appeler ou venir."}
    options:
      suite: {fr: "Lire la suite"}
      fin: {fr: "Terminer"}
    go: {fin: fin}
  - id: encore
    menu: {fr: "Le centre vous écoute."}
    options:
      fin: {fr: "Terminer"}
  - id: fin
    end: {fr: "Merci. Au revoir."}
"""
)
SIMPLE = (
    "flow: simple\n" + HEAD + 'title: {fr: "Avis"}\nstart: {sms: [AVIS]}\n'
    """steps:
  - id: note
    number: {fr: "Votre note ?"}
    from: 1
    to: 5
  - id: mot
    text: {fr: "Un mot ?"}
    max: 30
  - id: fin
    end: {fr: "Merci {mot}, {note}."}
"""
)
SMALL_LINE = {"accueil.yaml": ACCUEIL, "forme.yaml": FORME, "discret.yaml": DISCRET, "simple.yaml": SIMPLE}
