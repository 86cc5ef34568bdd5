"""The indicators' definitions, in the words that reports show. `docs/indicators.md` holds the same sentences."""

from __future__ import annotations

from typing import NamedTuple

from service.domain.indicators import Definition
from service.domain.vaccine_calendar import Calendar

COVERAGE, FULLY, ZERO_DOSE, DROP_OUT, NOTED = "coverage", "fully_immunised", "zero_dose", "drop_out", "noted_doses"
TIMELY, CHECKED, LATE = "timeliness", "checked", "days_late"
DELIVERED, DELIVERED_COST = "reminders_delivered", "cost_per_delivered"
REACHED, CAUGHT_UP, CAUGHT_UP_COST = "children_reached", "caught_up", "cost_per_caught_up"
ADMITTED, OUTCOMES, OTHER_ENDS = "treatments_begun", "treatment_results", "treatment_other_ends"
ROUND_TOLD = "round_told"
PREGNANCIES, CONTACTS_KEPT, CONTACTS_MADE = "pregnancies_followed", "contacts_kept", "contacts_made"
COVERS, COVER_WORDS = "covers", "cover_decisions"
TALKS, HOME_VISITS, AT_HOME = "talks", "home_visits", "seen_at_home"
PARTS = {
    "coverage": (COVERAGE, FULLY, ZERO_DOSE, DROP_OUT, NOTED),
    "timeliness": (TIMELY,),
    "defaulters": (CHECKED, LATE),
    "reach": (DELIVERED, DELIVERED_COST, REACHED, CAUGHT_UP, CAUGHT_UP_COST),
    "nutrition": (ADMITTED, OUTCOMES, OTHER_ENDS),
    "rounds": (ROUND_TOLD,),
    "pregnancies": (PREGNANCIES, CONTACTS_KEPT, CONTACTS_MADE),
    "covers": (COVERS, COVER_WORDS),
    "activities": (AT_HOME, HOME_VISITS, TALKS),
}
OF_TREATMENTS = frozenset(PARTS["nutrition"])
OF_PREGNANCIES = frozenset(PARTS["pregnancies"])
OF_COVERS = frozenset(PARTS["covers"])
OF_WHOLE = OF_TREATMENTS | OF_PREGNANCIES | OF_COVERS
"""They are told of the whole programme only: in a quartier a figure of one is a name."""
OF_NO_CHILD = OF_WHOLE | {TALKS, HOME_VISITS}
"""They are counted without reading the children."""
ALL = frozenset(key for keys in PARTS.values() for key in keys)
ACTIVITY_MONTHS = 12
"""The month of the report's day, and those before it."""
UNDER_YEARS = 5
WHOLE_MONTHS = f"les {ACTIVITY_MONTHS} mois qui finissent avec celui de ce jour"
OURS = "choix de ce projet, à confirmer avec le programme"


class ReportRules(NamedTuple):
    """What no calendar says and a programme may settle otherwise."""

    caught_up_days: int
    long_late_days: int


def definitions(calendar: Calendar, rules: ReportRules) -> dict[str, Definition]:
    """Every indicator by its key, in the order of reports; numbers are the calendar's and the programme's own."""
    found = [*_of_coverage(calendar), *_of_time(calendar), *_of_reach(rules), *_of_treatments()]
    found += [*_of_rounds(), *_of_pregnancies(), *_of_covers(), *_of_activities()]
    return {one.key: one for one in found}


def _of_coverage(calendar: Calendar) -> list[Definition]:
    months, basic = calendar.settings.zero_dose_from_months, ", ".join(calendar.basic_doses)
    antigen = calendar.zero_dose_antigen
    return [
        Definition(
            COVERAGE,
            "Couverture vaccinale par dose",
            "Enfants suivis qui ont reçu cette dose, valable (âge minimal et intervalle respectés), parmi les enfants "
            "suivis qui ont atteint l'âge recommandé pour elle ; les doses de saison n'y sont pas.",
            f"calendrier {calendar.name}, règles R2, R3 et R5 ; dénominateur : {OURS}",
            "vaccinés",
            "en âge",
        ),
        Definition(
            FULLY,
            "Enfants complètement vaccinés (base)",
            f"Enfants suivis qui ont reçu, valables et à tout âge, {basic}, parmi les enfants suivis qui ont atteint "
            "l'âge recommandé de toutes ces doses.",
            f"calendrier {calendar.name}, règle R13 ; dénominateur : {OURS}",
            "complets",
            "en âge",
        ),
        Definition(
            ZERO_DOSE,
            "Enfants zéro dose",
            f"Enfants suivis de {months} mois ou plus pour qui aucune dose de {antigen} n'est notée, parmi les enfants "
            f"suivis de {months} mois ou plus.",
            f"calendrier {calendar.name}, règle R13 ; l'âge de {months} mois : {OURS}",
            "zéro dose",
            f"{months} mois ou plus",
        ),
        Definition(
            DROP_OUT,
            "Abandon en cours de calendrier",
            "(A - B) / A, où A est le nombre d'enfants suivis qui ont la première dose, valable, et B le nombre de "
            "ceux qui ont la dernière, parmi les enfants qui ont atteint l'âge recommandé pour la dernière ; un "
            "chiffre négatif signale un problème de données.",
            f"calendrier {calendar.name}, règle R15 ; paires de doses : {OURS}",
            "A - B",
            "A",
        ),
        Definition(
            NOTED,
            "Doses notées par année de naissance, fiches effacées comprises",
            "Enfants pour qui au moins ce nombre de doses du vaccin est noté, valables ou non, parmi tous les enfants "
            "inscrits nés cette année-là, suivis ou non, y compris ceux dont la fiche a été effacée : ils avaient été "
            "comptés avant.",
            "registre et comptes gardés à l'effacement (docs/keys-and-retention.md)",
            "dose notée",
            "inscrits",
        ),
    ]


def _of_time(calendar: Calendar) -> list[Definition]:
    return [
        Definition(
            TIMELY,
            "Doses données à temps",
            f"Doses valables données au plus tard {calendar.settings.timely_within_days} jours après l'âge recommandé, "
            "parmi les doses valables dont le jour est connu, chez les enfants suivis dont la date de naissance est "
            "connue au jour près.",
            f"calendrier {calendar.name}, règle R16 [EV1] ; jours supposés laissés de côté : {OURS}",
            "à temps",
            "doses",
        ),
        Definition(
            CHECKED,
            "Enfants contrôlés avec le calendrier",
            "Enfants suivis dont les doses ont été comparées au calendrier à cette date et qui ont un rendez-vous en "
            "attente s'il leur reste une dose à recevoir, parmi tous les enfants suivis.",
            "but du programme : 100 % des enfants suivis",
            "enfants",
            "suivis",
        ),
        Definition(
            LATE,
            "Retards, en jours",
            "Enfants suivis selon le retard de leur dose la plus en retard, compté depuis le jour où elle est due, "
            "parmi les enfants suivis dont les doses ont été comparées au calendrier.",
            f"calendrier {calendar.name}, règle R10 ; dernière tranche : {OURS}",
            "enfants",
            "comparés",
        ),
    ]


def _of_reach(rules: ReportRules) -> list[Definition]:
    return [
        Definition(
            DELIVERED,
            "Rappels remis",
            "Rappels que l'opérateur dit remis au téléphone, parmi ceux que l'on a essayé d'envoyer, y compris les "
            "messages effacés depuis : ils avaient été comptés avant ; avec un quartier ou une cohorte, seulement les "
            "messages encore gardés qui parlent de ces enfants.",
            "boîte d'envoi, accusés des opérateurs (docs/promises.md)",
            "remis",
            "essayés",
        ),
        Definition(
            DELIVERED_COST,
            "Coût par rappel remis",
            "Coût de tous les rappels essayés (celui que dit l'opérateur, sinon l'estimation), divisé par le nombre de "
            "rappels remis, pour les mêmes messages.",
            "boîte d'envoi, liste de prix (docs/routes.md)",
            "francs CFA",
            "remis",
            "F",
        ),
        Definition(
            REACHED,
            "Enfants joints",
            "Enfants suivis dont la famille a reçu au moins un rappel remis pour l'un de leurs rendez-vous, parmi les "
            "enfants suivis pour qui au moins un rappel a été essayé.",
            "boîte d'envoi, accusés des opérateurs (docs/promises.md)",
            "joints",
            "enfants",
        ),
        Definition(
            CAUGHT_UP,
            "Enfants venus après un rappel",
            "Enfants suivis qui ont reçu une dose valable d'un rendez-vous dans les "
            f"{rules.caught_up_days} jours après un rappel parti pour ce rendez-vous, parmi les enfants suivis pour "
            "qui au moins un rappel est parti ; cela ne prouve pas que le rappel les a fait venir.",
            f"boîte d'envoi et doses notées ; {rules.caught_up_days} jours : {OURS}",
            "venus",
            "enfants",
        ),
        Definition(
            CAUGHT_UP_COST,
            "Coût par enfant venu après un rappel",
            "Coût des rappels encore gardés (celui que dit l'opérateur, sinon l'estimation), divisé par le nombre "
            "d'enfants venus après un rappel.",
            "boîte d'envoi, liste de prix (docs/routes.md)",
            "francs CFA",
            "venus",
            "F",
        ),
    ]


def _of_treatments() -> list[Definition]:
    return [
        Definition(
            ADMITTED,
            "Admissions pour malnutrition",
            f"Suivis hebdomadaires commencés, par mois, pour {WHOLE_MONTHS}, selon la première mesure : sévère sous "
            "115 mm ou avec œdème, modérée de 115 à 124 mm ; sans ceux commencés par erreur, avec ceux effacés "
            "depuis ; un enfant repris compte deux fois.",
            "suivis notés (docs/follow-ups.md) ; bandes du périmètre brachial : service/domain/screening/ml-muac.yaml "
            "[N2, N4]",
            "admissions",
            "",
            "#",
        ),
        Definition(
            OUTCOMES,
            "Résultats du traitement de la malnutrition",
            "Enfants guéris, décédés, qui ont abandonné ou sont déclarés non-répondants, parmi les sorties de ces "
            f"quatre sortes, par mois, pour {WHOLE_MONTHS} ; guéri et abandon sont "
            "décidés par les règles du protocole, décédé et non-répondant dits par un agent de santé.",
            "quatre indicateurs fondés sur SPHERE, d'après le compendium du PAM (monitoringhandbook.manuals.wfp.org, "
            "n° 14 et 16) ; le PAM compte aussi les transferts au dénominateur, ici ils sont à part : "
            f"{OURS}",
            "sorties",
            "toutes",
        ),
        Definition(
            OTHER_ENDS,
            "Autres fins du suivi de la malnutrition",
            "Suivis finis parce que l'enfant a été transféré, que la famille est partie ou n'en veut plus, pour "
            f"{WHOLE_MONTHS} ; ils ne sont dans aucun pourcentage.",
            "suivis notés (docs/follow-ups.md)",
            "enfants",
            "",
            "#",
        ),
    ]


def _of_rounds() -> list[Definition]:
    return [
        Definition(
            ROUND_TOLD,
            "Enfants avertis d'un passage de chimioprévention du paludisme",
            "Enfants suivis pour qui un message disant le jour du passage est parti, ou a été remis, parmi les enfants "
            f"suivis qui y étaient attendus ; passages annoncés, commencés dans les {ACTIVITY_MONTHS} mois qui "
            "finissent ce jour-là ; qui l'a pris n'est pas noté.",
            "passages annoncés (docs/follow-ups.md), boîte d'envoi",
            "avertis",
            "attendus",
        ),
    ]


def _of_pregnancies() -> list[Definition]:
    return [
        Definition(
            PREGNANCIES,
            "Grossesses suivies",
            f"Suivis de grossesse ouverts, par mois, pour {WHOLE_MONTHS}, y compris ceux effacés depuis ; comment ils "
            "ont fini n'est pas montré.",
            "suivis notés (docs/follow-ups.md)",
            "ouvertes",
            "",
            "#",
        ),
        Definition(
            CONTACTS_KEPT,
            "Contacts rappelés, et notés faits ensuite",
            "Contacts notés faits le jour du premier message parti ou plus tard, parmi les contacts rappelés dont le "
            f"temps est passé, prévus dans {WHOLE_MONTHS} ; un contact "
            "non noté a pu être fait, et rien ne prouve que le message en est la cause.",
            "suivis notés, boîte d'envoi ; contacts : protocole ml-anc-pnc-2026 (OMS 2016 et 2013, ou quatre visites)",
            "faits",
            "rappelés",
        ),
        Definition(
            CONTACTS_MADE,
            "Contacts notés faits",
            f"Contacts prénatals et postnatals notés faits, rappelés ou non, pour {WHOLE_MONTHS}.",
            "suivis notés ; contacts : protocole ml-anc-pnc-2026 (OMS 2016 et 2013, ou quatre visites)",
            "faits",
            "",
            "#",
        ),
    ]


def _of_covers() -> list[Definition]:
    return [
        Definition(
            COVERS,
            "Couvertures de la mutuelle ce jour-là",
            "Demandes sans réponse, familles confirmées dont le dernier jour couvert n'est pas passé, et familles "
            "confirmées dont il est passé sans autre nouvelle de la mutuelle ; seulement pour aujourd'hui.",
            "demandes et confirmations notées (docs/follow-ups.md) ; seule la mutuelle inscrit",
            "familles",
            "",
            "#",
        ),
        Definition(
            COVER_WORDS,
            "Ce que la mutuelle a dit des couvertures",
            "Confirmations d'une demande, dernier jour repoussé, fins et refus, par mois, pour "
            f"{WHOLE_MONTHS} ; compté à partir de la version qui les note.",
            "livre des décisions (docs/follow-ups.md)",
            "fois",
            "",
            "#",
        ),
    ]


def _of_activities() -> list[Definition]:
    return [
        Definition(
            AT_HOME,
            "Enfants de moins de 5 ans suivis à domicile",
            f"Enfants suivis de moins de {UNDER_YEARS} ans qu'une médiatrice a vus chez eux dans les {ACTIVITY_MONTHS} "
            f"mois qui finissent ce jour-là, parmi les enfants suivis de moins de {UNDER_YEARS} ans.",
            f"visites notées par les médiatrices (docs/mediators.md) ; {ACTIVITY_MONTHS} mois : {OURS}",
            "vus",
            "enfants",
        ),
        Definition(
            HOME_VISITS,
            "Visites à domicile",
            "Visites où l'enfant a été vu, parmi toutes les visites que les médiatrices ont notées, par mois, pour les "
            f"{ACTIVITY_MONTHS} mois qui finissent ce jour-là, y compris chez des enfants effacés depuis.",
            "visites notées par les médiatrices (docs/mediators.md), non vérifiées",
            "enfant vu",
            "visites",
        ),
        Definition(
            TALKS,
            "Causeries et participants",
            "Personnes présentes aux causeries que les médiatrices ont dites par SMS, par mois et par thème, pour les "
            f"{ACTIVITY_MONTHS} mois qui finissent ce jour-là, divisées par le nombre de ces causeries ; qui est venu "
            "à deux causeries y est deux fois.",
            f"SMS des médiatrices (docs/mediators.md), comptes non vérifiés ; thèmes : {OURS}",
            "participants",
            "causeries",
            "n",
        ),
    ]
