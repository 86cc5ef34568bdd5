"""A good container, and each fault that can be planted in it: what it is called, how, and what must be found."""

from __future__ import annotations

from collections.abc import Callable

from tests.floip.containers import Flow, Raw, container, text, uid, way

E, W = "error", "warning"


def good() -> Raw:
    """A flow with every usual block, and a second one that it runs."""
    main = Flow("accueil").choose(
        "langue", {"fra": "Langue ?", "bam": "Kan ?"}, {"fra": "Français", "bam": "Bamanankan"}, "age",
        set_contact_property=[{"property_key": "language", "property_value": "block.value"}],
    )  # fmt: skip
    main.number("age", "Age ?", "age", [way("age", "bon", "plats", "ISNUMBER(block.value)")], validation_minimum=0)
    main.choose("plats", "Plats ?", {"riz": "Riz", "mil": "Mil"}, "cas", many=True, minimum_choices=1)
    main.case("cas", {"flow.age < 18": "mineur", "contact.name = 'Awa'": "groupe"}, "suite")
    main.say("mineur", "Tu as @flow.age ans, @contact.name (awa@exemple.ml)", "suite")
    main.add("Core.SetGroupMembership", "groupe", {"groups": [{"group_key": "g"}], "is_member": True}, "suite")
    main.run("suite", "identite", "total").output("total", "flow.age + 1", "journal")
    main.add("Core.Log", "journal", {"message": "fini : @results.total"}, "efface")
    main.add("Core.SetGroupMembership", "efface", {"clear": True}, "fin").say("fin", "Merci @child.results.nom")
    return container(main, Flow("identite").open("nom", "Nom ?"))


def block(made: Raw, name: str) -> Raw:
    return next(each for flow in made["flows"] for each in flow["blocks"] if each["name"] == name)


def exits(made: Raw, name: str) -> list[Raw]:
    return block(made, name)["exits"]  # type: ignore[no-any-return]


def flow(made: Raw) -> Raw:
    return made["flows"][0]  # type: ignore[no-any-return]


def values(made: Raw, name: str) -> list[Raw]:
    """The values of what a block says."""
    uuid = block(made, name)["config"].get("prompt") or block(made, name)["config"]["question_prompt"]
    return next(each["values"] for each in flow(made)["resources"] if each["uuid"] == uuid)  # type: ignore[no-any-return]


def choices(made: Raw, name: str = "langue") -> list[Raw]:
    return block(made, name)["config"]["choices"]  # type: ignore[no-any-return]


def properties(made: Raw) -> list[Raw]:
    return block(made, "langue")["config"]["set_contact_property"]  # type: ignore[no-any-return]


def drop(raw: Raw, key: str) -> None:
    del raw[key]


Plant = Callable[[Raw], object]
FAULTS: list[tuple[str, Plant, str, str, str]] = [
    # shape
    ("a missing key", lambda m: drop(m, "uuid"), E, "", "uuid is missing"),
    ("an unknown key", lambda m: m.update(resources=[]), E, "", "resources is not a key"),
    ("another version", lambda m: m.update(specification_version="1.0.0-rc2"), W, "", "1.0.0-rc2"),
    ("no flows", lambda m: m.update(flows=[]), E, "", "flows must not be empty"),
    ("a flow that is none", lambda m: m["flows"].append(3), E, "", "flow 3: it must be an object"),
    ("a short name", lambda m: flow(m).update(name="ab"), E, "", "name must have at least 3"),
    ("a wrong moment", lambda m: flow(m).update(last_modified="hier"), E, "", "last_modified must be a moment"),
    (
        "a wrong number",
        lambda m: flow(m).update(interaction_timeout="5"),
        E,
        "",
        "interaction_timeout must be a number",
    ),
    (
        "a wrong mode",
        lambda m: flow(m).update(supported_modes=["SMS", "FAX"]),
        E,
        "",
        "supported_modes[1] must be one of",
    ),
    ("no languages", lambda m: flow(m).update(languages=[]), E, "", "languages must not be empty"),
    ("a wrong ISO code", lambda m: flow(m)["languages"][0].update(iso_639_3="fr"), E, "", "iso_639_3 must be"),
    ("a wrong name", lambda m: block(m, "age").update(name="l'âge"), E, "l'âge", "name must be a name"),
    ("a wrong uuid", lambda m: exits(m, "age")[0].update(uuid="1"), E, "age", "exits[0].uuid must be a uuid"),
    ("a wrong truth", lambda m: exits(m, "age")[1].update(default="yes"), E, "age", "default must be true or false"),
    ("a draft's key", lambda m: exits(m, "age")[0].update(config={}), E, "age", "exits[0].config is not a key"),
    ("an empty text", lambda m: values(m, "age")[0].update(value=""), E, "", "value must have at least 1"),
    ("no config", lambda m: drop(block(m, "age"), "config"), E, "age", "config is missing"),
    ("a wrong limit", lambda m: block(m, "age")["config"].update(validation_maximum="5"), E, "age", "must be a number"),
    ("no prompt", lambda m: drop(block(m, "fin")["config"], "prompt"), E, "fin", "config.prompt is missing"),
    ("no value", lambda m: drop(block(m, "total")["config"], "value"), E, "total", "config.value is missing"),
    (
        "a group without key",
        lambda m: drop(block(m, "groupe")["config"]["groups"][0], "group_key"),
        E,
        "groupe",
        "group_key",
    ),
    ("one property", lambda m: block(m, "fin")["config"].update(set_contact_property={}), E, "fin", "must be a list"),
    # identifiers and links
    (
        "a uuid twice",
        lambda m: block(m, "fin").update(uuid=uid("block age")),
        E,
        "fin",
        "is also that of a block 'age'",
    ),
    ("an exit's uuid twice", lambda m: exits(m, "fin")[0].update(uuid=uid("exit age bon")), E, "fin", "exit 'age'"),
    ("a resource twice", lambda m: flow(m)["resources"].append(flow(m)["resources"][0]), E, "", "has 2 resources"),
    ("no first block", lambda m: flow(m).update(first_block_id=uid("rien")), E, "", "first block"),
    (
        "a lost way",
        lambda m: exits(m, "age")[0].update(destination_block=uid("rien")),
        E,
        "age",
        "no block of the flow",
    ),
    (
        "a lost flow",
        lambda m: block(m, "suite")["config"].update(flow_id=uid("rien")),
        E,
        "suite",
        "not in the container",
    ),
    ("a name twice", lambda m: block(m, "mineur").update(name="AGE"), E, "age", "several blocks of this name"),
    ("a result twice", lambda m: block(m, "nom").update(name="age"), W, "age", "accueil, identite"),
    (
        "a language twice",
        lambda m: flow(m)["languages"].append({"id": "fra", "iso_639_3": "fra"}),
        E,
        "",
        "2 languages",
    ),
    # exits
    ("no default", lambda m: exits(m, "age").pop(), E, "age", "exactly one default exit and has 0"),
    ("two defaults", lambda m: exits(m, "age").append(way("age", "x", None)), E, "age", "has 2"),
    ("default first", lambda m: exits(m, "age").reverse(), E, "age", "must be the last"),
    ("default and test", lambda m: exits(m, "age")[1].update(test="TRUE"), E, "age", "can only be one of them"),
    ("no test", lambda m: drop(exits(m, "age")[0], "test"), E, "age", "has no test"),
    ("never true", lambda m: exits(m, "age")[0].update(test="FALSE"), W, "age", "is never true"),
    ("no exits", lambda m: block(m, "fin").update(exits=[]), E, "fin", "exits must not be empty"),
    # types of blocks
    ("a wrong type", lambda m: block(m, "fin").update(type="Core.Mesage"), E, "fin", "no type of block"),
    ("a call", lambda m: block(m, "journal").update(type="Core.Webhook"), W, "journal", "not run here"),
    ("a removed type", lambda m: block(m, "journal").update(type="ConsoleIO.Print"), W, "journal", "taken out"),
    # words
    ("a lost resource", lambda m: block(m, "fin")["config"].update(prompt=uid("rien")), E, "fin", "is not in flow"),
    ("a missing language", lambda m: values(m, "fin").pop(), E, "fin", "no words in 'bam'"),
    ("a missing mode", lambda m: values(m, "fin")[1].update(modes=["SMS"]), E, "fin", "nothing in 'bam' for USSD"),
    ("only a picture", lambda m: values(m, "fin")[1].update(content_type="IMAGE"), E, "fin", "nothing in 'bam'"),
    ("a wrong kind", lambda m: values(m, "fin")[0].update(content_type="SONG"), W, "fin", "'SONG'"),
    ("a lost language", lambda m: values(m, "fin")[0].update(language_id="eng"), E, "", "'eng', which is no language"),
    ("unused words", lambda m: flow(m)["resources"].append(text("x", "y")), W, "", "no block uses"),
    ("silence", lambda m: drop(block(m, "age")["config"], "prompt"), W, "age", "waits in silence"),
    # choices
    ("no tests", lambda m: drop(choices(m)[0], "text_tests"), E, "langue", "no reply can take it"),
    (
        "tests of one language",
        lambda m: choices(m)[0]["text_tests"].__delitem__(slice(0, 2)),
        E,
        "langue",
        "no test for fra",
    ),
    (
        "a test of a lost language",
        lambda m: choices(m)[0]["text_tests"][1].update(language="eng"),
        E,
        "langue",
        "'eng'",
    ),
    (
        "the same test",
        lambda m: choices(m)[1]["text_tests"][0].update(test_expression="block.response='1'"),
        W,
        "langue",
        "the same test",
    ),
    ("a choice twice", lambda m: choices(m)[1].update(name="fra"), E, "langue", "several choices named 'fra'"),
    ("a choice without words", lambda m: drop(choices(m)[1], "prompt"), W, "langue", "its name is shown"),
    ("no keys", lambda m: flow(m).update(supported_modes=["IVR", "SMS", "USSD"]), E, "langue", "no ivr_test"),
    # limits and effects
    (
        "limits crossed",
        lambda m: block(m, "age")["config"].update(validation_maximum=-1),
        E,
        "age",
        "every reply is refused",
    ),
    (
        "counts crossed",
        lambda m: block(m, "plats")["config"].update(minimum_choices=3),
        E,
        "plats",
        "number of choices",
    ),
    (
        "counts turned",
        lambda m: block(m, "plats")["config"].update(minimum_choices=2, maximum_choices=1),
        E,
        "plats",
        "above",
    ),
    ("an old limit", lambda m: block(m, "nom")["config"].update(text={"max_response_characters": 3}), W, "nom", "rc4"),
    ("no groups", lambda m: block(m, "groupe")["config"].update(groups=[]), W, "groupe", "does nothing"),
    ("no membership", lambda m: drop(block(m, "groupe")["config"], "is_member"), W, "groupe", "is_member"),
    (
        "a lost language set",
        lambda m: properties(m)[0].update(property_value="'eng'"),
        W,
        "langue",
        "no language of the flow",
    ),
    # expressions
    ("a broken test", lambda m: exits(m, "cas")[0].update(test="flow.age <"), E, "cas", "cannot be read"),
    ("a broken text", lambda m: values(m, "fin")[0].update(value="Merci @(1 +"), E, "fin", "cannot be read"),
    (
        "a broken choice",
        lambda m: choices(m)[0]["text_tests"][0].update(test_expression="("),
        E,
        "langue",
        "cannot be read",
    ),
    ("an unknown function", lambda m: exits(m, "cas")[0].update(test="OLDER(flow.age)"), E, "cas", "OLDER"),
    ("a wrong count", lambda m: exits(m, "cas")[0].update(test="LEN()"), E, "cas", "LEN 0 arguments; it takes 1"),
    ("an unknown block", lambda m: exits(m, "cas")[0].update(test="flow.aeg < 18"), E, "cas", "did you mean 'age'?"),
    (
        "an unknown result",
        lambda m: values(m, "fin")[0].update(value="@results.nom"),
        E,
        "fin",
        "no block has that name",
    ),
    ("an unknown name", lambda m: exits(m, "cas")[0].update(test="flow.age = majeur"), W, "cas", "put texts in quotes"),
    ("an unknown part", lambda m: exits(m, "cas")[0].update(test="block.valeur = 1"), W, "cas", "block.valeur"),
    (
        "a broken output",
        lambda m: block(m, "total")["config"].update(value="@(flow.age +"),
        E,
        "total",
        "cannot be read",
    ),
    (
        "an unknown choice",
        lambda m: exits(m, "langue").insert(0, way("langue", "x", "age", "block.value = 'fr'")),
        W,
        "langue",
        "none of the choices",
    ),
    (
        "words for a number",
        lambda m: exits(m, "age")[0].update(test="block.value = 'sept'"),
        W,
        "age",
        "compares a number",
    ),
    ("a wrong log", lambda m: block(m, "journal")["config"].update(message="@flow.rien"), E, "journal", "flow.rien"),
    # ways
    (
        "never reached",
        lambda m: exits(m, "cas")[0].update(destination_block=uid("block groupe")),
        W,
        "mineur",
        "leads here",
    ),
    ("a circle", lambda m: exits(m, "total")[0].update(destination_block=uid("block cas")), W, "langue", "cannot end"),
    (
        "a silent circle",
        lambda m: exits(m, "mineur")[0].update(destination_block=uid("block cas")),
        E,
        "cas",
        "cas, mineur",
    ),
    ("itself", lambda m: block(m, "suite")["config"].update(flow_id=flow(m)["uuid"]), W, "langue", "cannot end"),
]
