"""The picture of a conversation holds all of it, with nothing over anything, for eyes and for ears."""

import re
import time
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.drawing import arrows_of, draw
from flows.layer_places import side_by_side
from flows.layered import FAIL, WAY, Box, Link, Node, Route, TooMuch, laid_out, layers_of
from flows.loader import load_sources
from flows.mistakes import FlowMistake
from flows.model import EMPTY, Ask, Flow, Library
from flows.svg_shapes import wrapped
from tests.flows.callers import a_flow, amv, ours, source_of
from tests.flows.planted import FIN, NOM, OUI_NON

EVERY = [*ours().flows.values(), amv()]
SVG = "{http://www.w3.org/2000/svg}"


def seen(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)


def words_in(picture: str) -> str:
    """All that is written in the picture, as one line; lines that were wrapped are joined again."""
    return " ".join(each.text or "" for each in seen(picture).iter(f"{SVG}text"))


def titles(picture: str) -> list[str]:
    return [each.text or "" for each in seen(picture).iter(f"{SVG}title")]


@pytest.mark.parametrize("flow", EVERY, ids=lambda flow: flow.id)
@pytest.mark.parametrize("language", ["fr", "bm", "en"])
def test_every_step_and_choice_is_in_it(flow: Flow, language: str) -> None:
    picture = draw(flow, language)
    spoken = language if language in flow.languages else flow.languages[0]
    written, aloud = words_in(picture), titles(picture)
    for step in flow.steps.values():
        assert re.search(rf"\b{step.id}\b", written)
        assert any(title.startswith(f"{step.id}, ") for title in aloud)
        for option in step.options if isinstance(step, Ask) else ():
            assert option.label.true[spoken][0] in written
    assert flow.title.true[spoken][0] == aloud[0]


def test_it_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    picture = draw(amv())
    outside = picture.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|<script|<image|@import|@font-face|url\((?!#)|href=|javascript|\son\w+=", outside)


def test_it_speaks_to_those_who_hear_it() -> None:
    root = seen(draw(amv(), "fr"))
    assert root.attrib["role"].startswith("graphics-document")
    assert root.attrib["lang"] == "fr"
    ids = {each.attrib["id"] for each in root.iter() if "id" in each.attrib}
    assert {root.attrib["aria-labelledby"], root.attrib["aria-describedby"]} <= ids
    assert len(ids) == sum("id" in each.attrib for each in root.iter())
    assert (
        "confirme, menu. {chef}, {personnes} pers., {formule}, {montant} F par mois. Confirmer ?. retours au plus : 2. "
        "1 Oui → inscrire. 2 Non → chef. abandon (3 erreurs) → plus_tard"
    ) in titles(draw(amv(), "fr"))


def test_it_is_sized_by_its_view_box_and_has_its_own_ground() -> None:
    root = seen(draw(amv()))
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    assert (left, top) == (0, 0)
    ground = root.find(f"{SVG}rect")
    assert ground is not None
    assert (float(ground.attrib["width"]), float(ground.attrib["height"])) == (width, height)
    assert "prefers-color-scheme: dark" in draw(amv())


def test_the_same_flow_gives_the_same_picture() -> None:
    assert draw(amv()) == draw(amv())


def test_what_an_author_writes_is_escaped() -> None:
    hostile = '<script>alert(1)</script> & \\"fin\\" \\u0001\\uFFFE \\e[2J'
    flow = a_flow(f'  - id: fin\n    end: {{fr: "{hostile}"}}\n')
    picture = draw(flow)
    assert "<script" not in picture
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;fin&quot;" in picture
    assert "<script>alert(1)</script>" in words_in(picture)


def test_fails_and_giving_up_are_dashed_and_going_back_runs_at_the_side() -> None:
    paths = [each for each in seen(draw(amv())).iter(f"{SVG}path") if "data-from" in each.attrib]
    kinds = {(each.attrib["data-from"], each.attrib["data-to"]): each for each in paths}
    assert "stroke-dasharray" not in kinds["accord", "refus"].attrib
    assert kinds["devis", "plus_tard"].attrib["stroke-dasharray"] == "6 4"
    assert kinds["confirme", "chef"].attrib["class"] == "l-back"
    assert {each.attrib["class"] for each in paths} == {"l-way", "l-fail", "l-back"}


def test_a_sub_flow_has_its_title_and_may_be_followed() -> None:
    steps = "  - id: qui\n    run: identite\n  - id: encore\n    run: identite\n" + FIN
    flow = a_flow(steps, identite=NOM + FIN)
    picture = draw(flow, "fr", None, lambda flow_id: f"/flows/{flow_id}?a=1&b=2")
    assert words_in(picture).count("sous-dialogue Essai identite") == 2
    assert [each.attrib["href"] for each in seen(picture).iter(f"{SVG}a")] == ["/flows/identite?a=1&b=2"] * 2
    assert "href" not in draw(flow)


def test_a_sub_flow_that_is_not_linked_has_its_title_from_the_library() -> None:
    lone = load_sources({"essai.yaml": source_of("  - id: qui\n    run: adhesion_amv\n" + FIN)}, strict=False)
    picture = draw(lone.get("essai"), "fr", Library({"adhesion_amv": amv()}))
    assert "Adhésion à l'AMV" in words_in(picture)


def test_links_that_lead_nowhere_are_shown_as_such() -> None:
    steps = NOM.rstrip() + "\n    next: finn\n" + "  - id: sous\n    run: perdu\n"
    flow = load_sources({"essai.yaml": source_of(steps)}, strict=False).get("essai")
    assert "finn: cette étape n'existe pas" in titles(draw(flow))
    assert "perdu" in words_in(draw(flow))


def test_a_flow_without_steps_is_a_title() -> None:
    empty = replace(amv(), steps={}, names=EMPTY, position=EMPTY, below=EMPTY)
    assert words_in(draw(empty)).startswith("Adhésion à l'AMV")


def test_ways_between_the_same_steps_are_one_arrow() -> None:
    arrows = {(each.source, each.target, each.style): each.lines for each in arrows_of(amv(), "fr")}
    assert arrows["langue", "accord", WAY] == ("1 Français", "2 Bamanankan", "3 English")
    assert arrows["accord", "chef", WAY] == ("1 Oui",)
    assert arrows["chef", "personnes", WAY] == ()
    assert arrows["devis", "plus_tard", FAIL] == ("échec",)
    steps = (
        '  - id: visite\n    menu: {all: "?"}\n    options_from: visits\n    go: {none: fin}\n'
        "    empty: non\n    fails: non\n"
        '  - id: jour\n    date: {all: "?"}\n    from: -5y\n    to: today\n    or:\n      x: {all: "Je ne sais pas"}\n'
        '  - id: non\n    end: {all: "Non."}\n'
    )
    data = {(each.source, each.target): each.lines for each in arrows_of(a_flow(steps + FIN), "fr")}
    assert data["visite", "fin"] == ("none",)
    assert data["visite", "jour"] == ("réponse",)
    assert data["visite", "non"] == ("aucun choix", "échec")
    assert data["jour", "non"] == ("1 Je ne sais pas", "réponse")


# --- the layout ---------------------------------------------------------------------------------------------------


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width - 0.1
        and other.x < one.x + one.width - 0.1
        and one.y < other.y + other.height - 0.1
        and other.y < one.y + one.height - 0.1
    )


def edge_of(box: Box, point: tuple[float, float], at: str) -> bool:
    x, y = point
    edge = box.y if at == "top" else box.y + box.height
    return abs(y - edge) < 0.01 and box.x - 0.01 <= x <= box.x + box.width + 0.01


def runs_through(route: Route, box: Box) -> bool:
    """Whether a piece of the route lies inside the box. Slanted pieces are the curves, whose middle is between."""
    inner = Box(box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1)
    for (x1, y1), (x2, y2) in zip(route.points, route.points[1:], strict=False):
        piece = Box(min(x1, x2), min(y1, y2), max(abs(x1 - x2), 0.01), max(abs(y1 - y2), 0.01))
        if overlap(piece, inner):
            return True
    return False


def is_sound(nodes: list[Node], links: list[Link]) -> None:
    """Boxes and labels over nothing, arrows from box to box and through no other."""
    layout = laid_out(nodes, links)
    labels = [label for label in layout.labels if label is not None]
    for one, other in combinations([*layout.boxes.values(), *labels], 2):
        assert not overlap(one, other)
    for link, route, label in zip(links, layout.routes, layout.labels, strict=True):
        source, target = layout.boxes[link.source], layout.boxes[link.target]
        assert edge_of(source, route.points[0], "bottom")
        assert edge_of(target, route.points[-1], "top")
        others = [box for id, box in layout.boxes.items() if id not in (link.source, link.target)]
        assert not any(runs_through(route, box) for box in others)
        if label is not None:
            assert any(abs(x - label.middle) < 0.01 for x, _ in route.points)
        for x, y in route.points:
            assert -0.01 <= x <= layout.width + 0.01
            assert -0.01 <= y <= layout.height + 0.01


@st.composite
def graphs(some: st.DrawFn) -> tuple[list[Node], list[Link]]:
    many = some(st.integers(1, 12))
    nodes = [Node(f"n{at}", some(st.sampled_from([80.0, 204.0, 244.0])), 30.0 + 17 * (at % 4)) for at in range(many)]
    ends = st.integers(0, many - 1)
    pairs = some(st.lists(st.tuples(ends, ends, st.sampled_from([WAY, FAIL]), st.booleans()), max_size=24))
    links = {
        (one, other, style): Link(f"n{one}", f"n{other}", style, *((90.0, 20.0) if named else (0, 0)))
        for one, other, style, named in pairs
    }
    return nodes, list(links.values())


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_nothing_stands_over_anything_whatever_the_ways(graph: tuple[list[Node], list[Link]]) -> None:
    is_sound(*graph)


def test_layers_follow_the_longest_way_and_only_circles_lead_back() -> None:
    nodes = [Node(name, 10, 10) for name in "abcde"]
    links = [Link(*pair) for pair in ("ab", "bc", "ac", "ca", "ed", "de")]
    layers, back = layers_of(nodes, links)
    assert layers == {"a": 0, "b": 1, "c": 2, "d": 0, "e": 1}
    assert [links[at].source + links[at].target for at in sorted(back)] == ["ca", "ed"]
    # A step written above the one that leads to it is no circle.
    layers, back = layers_of(nodes, [Link("c", "b"), Link("a", "c")])
    assert (layers["a"], layers["c"], layers["b"], back) == (0, 1, 2, set())


def test_neighbours_that_push_each_other_share_the_shift() -> None:
    assert side_by_side([[(0, 1)], [(0, 1)]], [10]) == [-5, 5]
    assert side_by_side([[(0, 5)], [(0, 1)]], [10]) == [0, 10]
    assert side_by_side([[(0, 1)], [(50, 1)]], [10]) == [0, 50]
    assert side_by_side([], []) == []


@pytest.mark.parametrize("flow", EVERY, ids=lambda flow: flow.id)
def test_the_words_of_a_box_stay_inside_it(flow: Flow) -> None:
    """By the width of a wide font."""
    from flows.svg_shapes import width_of

    root = seen(draw(flow))
    for item in root.iter(f"{SVG}g"):
        if item.attrib.get("id", "").startswith(f"{flow.id}-"):
            left, right = _sides(item)
            for text in item.iter(f"{SVG}text"):
                x, wide = float(text.attrib["x"]), width_of(text.text or "", float(text.attrib["font-size"]))
                begins = x - wide if text.attrib.get("text-anchor") == "end" else x
                assert left <= begins, text.text
                assert begins + wide <= right + 1, text.text


def _sides(item: ElementTree.Element) -> tuple[float, float]:
    outline = next(each for each in item.iter() if each.tag in (f"{SVG}rect", f"{SVG}polygon"))
    if outline.tag == f"{SVG}rect":
        x = float(outline.attrib["x"])
        return x, x + float(outline.attrib["width"])
    xs = [float(pair.split(",")[0]) for pair in outline.attrib["points"].split()]
    return min(xs), max(xs)


def test_a_word_without_end_is_broken() -> None:
    assert [len(line) for line in wrapped("m" * 100, 130, 13)] == [10] * 10
    assert wrapped("un deux trois", 60, 13) == ["un deux", "trois"]
    assert wrapped("", 60, 13) == []
    flow = a_flow(f'  - id: {"a" * 300}\n    end: {{all: "{"m" * 5000}"}}\n')
    assert seen(draw(flow)) is not None


# --- large ones ---------------------------------------------------------------------------------------------------


def long_flow(many: int) -> Flow:
    after = [min(at + 7, many - 1) for at in range(many)]
    menus = [
        f'  - id: q{at}\n    menu: {{all: "Question numéro {at} ?"}}\n{OUI_NON}    go: {{non: q{after[at]}}}\n'
        f"    again: 2\n    give_up: refus\n"
        for at in range(many)
    ]
    return a_flow("".join(menus) + FIN + FIN.replace("fin", "refus"))


def test_two_hundred_steps_are_drawn_within_a_second() -> None:
    flow = long_flow(198)
    assert len(flow.steps) == 200
    started = time.process_time()
    picture = draw(flow)
    assert time.process_time() - started < 1
    assert all(f"q{at}" in picture for at in range(198))


def test_what_nobody_could_look_at_is_not_drawn() -> None:
    with pytest.raises(FlowMistake, match="701 steps with all their ways are too many for one picture"):
        draw(long_flow(699))


def test_ways_that_pass_everything_are_bounded_too() -> None:
    many = 400
    nodes = [Node(f"n{at}", 100, 30) for at in range(many)]
    chain = [Link(f"n{at}", f"n{at + 1}") for at in range(many - 1)]
    across = [Link(f"n{at}", f"n{many - 1 - at}") for at in range(many // 2 - 1)]
    started = time.process_time()
    with pytest.raises(TooMuch):
        laid_out(nodes, [*chain, *across])
    assert time.process_time() - started < 5
