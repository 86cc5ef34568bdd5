"""The one door in by USSD: whatever a person keys comes here and gets a screen.

One transaction a step: where does this person stand, what does the flow say, carry it out, keep the step. The same step
repeated gets the same screen and no second effect; an older step gets the screen it got then. Whoever was cut off and
dials again is asked whether to go on.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from flows import engine, offers, standing
from flows.engine import Handset
from flows.model import Flow, Menu
from service.channels.base import Keystroke
from service.runtime import Runtime
from service.store import conversation_tables, people_tables
from service.store.columns import new_id, take_turns
from service.store.conversation_tables import Conversation
from service.store.system_tables import count
from service.stories.delivery import dead_numbers
from service.stories.talk import releases, talking
from service.stories.talk.situation import Situation
from service.stories.talk.threads import Reply, Thread

SESSION_LIFE_MS = 10 * 60_000
"""Longer than any operator keeps a USSD session (one to three minutes): after it, a known id is a new call."""
LONGEST_PATH = 3
"""Keys that may stand in the code dialled (*code*2*1#): menus are three deep, and a form is never filled blindly."""
LONGEST_PAUSE_MS = 24 * 3_600_000
"""Progress of a call is kept for a day: no flow may offer to go on after longer."""
REPEAT_MS = 700
"""A gateway that sends the last key only, the same one twice within this time, repeats itself: nobody reads so fast."""


def reply_to(runtime: Runtime, keystroke: Keystroke) -> Reply:
    """Answer one keystroke. Everything it changes is on disk when this returns, or nothing is."""
    now = runtime.now()
    with runtime.database.begin() as tx:
        return _answered(runtime, tx, keystroke, now)


def _answered(runtime: Runtime, tx: Connection, keystroke: Keystroke, now: int) -> Reply:
    keys = runtime.vault.indexes(keystroke.channel, keystroke.session, keystroke.phone)
    stored = conversation_tables.find_conversation(tx, keys)
    if stored and keystroke.text == "" and now - stored.updated_at > SESSION_LIFE_MS:
        conversation_tables.forget_conversation(tx, stored.id)  # the carrier gives the id out again
        stored = None
    if stored is None:
        reply = _first_step(runtime, tx, keystroke, keys, now)
        if reply is not None:
            return reply
        stored = conversation_tables.find_conversation(tx, keys)  # its twin arrived a moment earlier
        assert stored is not None
    return _next_step(runtime, tx, stored, keystroke, now)


# --- the first step of a call -------------------------------------------------------------------------------


def _first_step(
    runtime: Runtime, tx: Connection, keystroke: Keystroke, keys: Sequence[bytes], now: int
) -> Reply | None:
    """Open a conversation; None when the same one was opened by another request at this very moment."""
    if runtime.vault.rotates_index:
        take_turns(tx, keys)  # that other request may write with another key
        if conversation_tables.find_conversation(tx, keys) is not None:
            return None
    sessions = runtime.vault.indexes(keystroke.channel, keystroke.session)
    if conversation_tables.session_is_known(tx, sessions):
        count(tx, "ussd_other_phone_in_session")
    indexes = runtime.vault.indexes(keystroke.phone)
    conversation_id = new_id()
    thread = flow = None
    if keystroke.text == "":
        thread, flow = _taken_up_again(runtime, tx, keystroke, indexes, now)
    if thread is None or flow is None:
        flow = releases.start_flow(runtime, tx)
        thread = _opening(runtime, tx, flow, keystroke, conversation_id, now)
    is_fleeting = thread.settle(flow)
    made = conversation_tables.add_conversation(
        tx,
        id=conversation_id,
        key=keys[0],
        session_idx=sessions[0],
        number_idx=indexes[0],
        channel=keystroke.channel,
        flow_hash=flow.hash,
        progress=thread.sealed(runtime),
        ended=not thread.last.more,
        now=now,
        is_fleeting=is_fleeting,
    )
    if made:
        dead_numbers.heard_from(tx, runtime, keystroke.phone, now)
    return thread.last if made else None


def _taken_up_again(
    runtime: Runtime, tx: Connection, keystroke: Keystroke, indexes: Sequence[bytes], now: int
) -> tuple[Thread | None, Flow | None]:
    """The conversation in which this phone was cut off, if it may go on: asked about, or simply shown again."""
    left = conversation_tables.last_left(tx, indexes, now - LONGEST_PAUSE_MS)
    if left is None:
        return None, None
    flow = talking.flow_of(runtime, tx, left.flow_hash)
    thread = Thread.opened(runtime, left.progress)
    resume = standing.resume_of(flow, thread.progress)
    if resume is None or now - left.updated_at > resume.within * 1000:
        return None, None
    conversation_tables.end_conversation(tx, left.id, now)
    handset = runtime.handset(keystroke.channel, keystroke.network)
    again = Thread(thread.progress, "", [], origin=thread.origin, number=keystroke.phone)
    if resume.ask:
        again.offer = "resume"
        reply = _offer(flow, again, handset)
    else:
        reply = talking.reply_of(engine.show(flow, thread.progress, runtime.today(now), handset))
    again.shows("", thread.progress, reply)
    return again, flow


def _opening(
    runtime: Runtime, tx: Connection, flow: Flow, keystroke: Keystroke, conversation_id: int, now: int
) -> Thread:
    """The first screen, or the one to which a dialled path leads."""
    situation = _situation(runtime, keystroke, flow, f"{conversation_id}:0", conversation_id, now)
    caller = people_tables.find_caller(tx, keystroke.phone)
    handset = runtime.handset(keystroke.channel, keystroke.network)
    turn = talking.begin(tx, situation, flow, caller, handset)
    path = keystroke.text.split("*") if keystroke.text else []
    ahead = path if len(path) <= LONGEST_PATH else []
    thread = Thread(turn.progress, "", [], origin=conversation_id, ahead=ahead, number=keystroke.phone)
    turn = _walked_ahead(tx, situation, flow, thread, turn, handset)
    thread.shows(keystroke.text, turn.progress, talking.reply_of(turn))
    return thread


def _walked_ahead(
    tx: Connection, situation: Situation, flow: Flow, thread: Thread, turn: engine.Turn, handset: Handset
) -> engine.Turn:
    """Press the keys that were dialled. A language nobody chose yet is asked first, and the keys wait for it.

    "Dial *code*4*1# and win": nobody agrees to anything, leaves or stops without having seen the question.
    """
    while thread.ahead and turn.screen is not None and turn.screen.more:
        if _asks_language(flow, turn.progress):
            return turn
        if standing.asks_consent(flow, turn.progress):
            break
        further = engine.answer(flow, turn.progress, thread.ahead[0], situation.today, handset)
        if talking.would_write(tx, situation, flow, further, handset):
            break
        turn = talking.carried_out(tx, situation, flow, further, handset)
        thread.ahead = thread.ahead[1:]
        thread.hushed = thread.hushed or standing.is_sensitive(flow, turn.progress)
    thread.ahead = []
    return turn


def _asks_language(flow: Flow, progress: engine.Progress) -> bool:
    step = standing.flows_around(flow, progress.path)[-1].steps[progress.path[-1]]
    return isinstance(step, Menu) and step.sets_language


# --- every further step -------------------------------------------------------------------------------------


def _next_step(runtime: Runtime, tx: Connection, stored: Conversation, keystroke: Keystroke, now: int) -> Reply:
    thread = Thread.opened(runtime, stored.progress)
    text = keystroke.text if keystroke.whole else _whole_input(thread, keystroke.text, now - stored.updated_at)
    given = thread.answer_given_to(text)
    if given is not None:
        return given
    typed = _new_input(thread, text)
    if stored.ended or typed is None:
        return thread.last
    flow = talking.flow_of(runtime, tx, stored.flow_hash)
    flow = _step(runtime, tx, stored.id, flow, thread, keystroke, text, typed, now)
    is_fleeting = thread.settle(flow)
    ended = not thread.last.more
    conversation_tables.keep_step(tx, stored.id, thread.sealed(runtime), ended, now, is_fleeting=is_fleeting)
    if flow.hash != stored.flow_hash:
        conversation_tables.change_flow(tx, stored.id, flow.hash)
    return thread.last


def _step(
    runtime: Runtime,
    tx: Connection,
    conversation_id: int,
    flow: Flow,
    thread: Thread,
    keystroke: Keystroke,
    text: str,
    typed: str,
    now: int,
) -> Flow:
    """Answer what was typed and keep the screen; gives the flow that the conversation is in now."""
    handset = runtime.handset(keystroke.channel, keystroke.network)
    step = f"{conversation_id}:{len(text)}"
    situation = _situation(runtime, keystroke, flow, step, thread.origin, now)
    if thread.offer is not None:
        goes_on = offers.goes_on(thread.offer, typed, thread.progress.language)
        if goes_on is None:
            thread.shows(text, thread.progress, _offer(flow, thread, handset, again=True))
            return flow
        thread.offer = None
        if goes_on:
            turn = engine.show(flow, thread.progress, situation.today, handset)
            thread.shows(text, turn.progress, talking.reply_of(turn))
            return flow
    elif engine.wants_start(flow, thread.progress, typed, handset):
        if standing.unfinished_of(flow, thread.progress) is not None:
            # A form that was agreed to is not thrown away by two keys: what is left and what is lost is told first.
            thread.offer = "leave"
            thread.shows(text, thread.progress, _offer(flow, thread, handset))
            return flow
    else:
        turn = talking.answer(tx, situation, flow, thread.progress, typed, handset)
        turn = _walked_ahead(tx, situation, flow, thread, turn, handset) if thread.ahead else turn
        thread.shows(text, turn.progress, talking.reply_of(turn))
        return flow
    flow = releases.start_flow(runtime, tx)
    situation = _situation(runtime, keystroke, flow, step, thread.origin, now)
    turn = talking.begin(tx, situation, flow, people_tables.find_caller(tx, keystroke.phone), handset)
    thread.shows(text, turn.progress, talking.reply_of(turn))
    return flow


def _offer(flow: Flow, thread: Thread, handset: Handset, *, again: bool = False) -> Reply:
    assert thread.offer is not None
    title, language = standing.title_of(flow, thread.progress), thread.progress.language
    return Reply(offers.screen_of(thread.offer, title, language, handset, again=again), True)


def _new_input(thread: Thread, text: str) -> str | None:
    """What was typed now: what follows the input of the step before and one `*`. None when it does not continue it.

    A `*` that the person typed cannot be told from the carrier's own, so the whole rest is one answer.
    """
    before = thread.typed
    if before == "":
        return text
    continues = len(text) > len(before) if thread.hushed else text.startswith(before + "*")
    return text[len(before) + 1 :] if continues else None


def _whole_input(thread: Thread, key: str, pause_ms: int) -> str:
    """The whole input as other gateways send it, from one that sends the last key only."""
    before = thread.typed
    first_again = key == "" and len(thread.screens) == 1
    # Where nothing typed is kept, whatever comes so soon is the last key again.
    last_again = pause_ms < REPEAT_MS and before != "" and (thread.hushed or before.rpartition("*")[2] == key)
    return before if first_again or last_again else f"{before}*{key}" if before else key


def _situation(runtime: Runtime, keystroke: Keystroke, flow: Flow, step: str, origin: int, now: int) -> Situation:
    words = f"{flow.id}:{flow.hash}"
    return Situation(runtime, now, runtime.today(now), keystroke.phone, keystroke.channel, step, words, origin=origin)
