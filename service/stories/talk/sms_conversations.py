"""Conversations by SMS: the same flows, one at a time for each phone, begun by a word and answered by the next one.

The screens are the answers. A word that begins another conversation asks before it leaves the one under way; a reminder
that goes out meanwhile changes nothing in it.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flows import engine, offers, phone_numbers, sms_keywords, standing
from flows.engine import Handset
from flows.model import Flow
from service.channels.base import IncomingSms
from service.clock import DAY_MS
from service.runtime import START_FLOW, Runtime
from service.store import conversation_tables, message_tables, people_tables, phone_tables
from service.store.columns import new_id
from service.store.conversation_tables import Conversation
from service.store.phone_tables import Phone
from service.store.system_tables import count
from service.stories.delivery import outbox
from service.stories.talk import releases, robot_loops, talking
from service.stories.talk.situation import Situation
from service.stories.talk.threads import Reply, Thread

LIFE_MS = 12 * 3_600_000
"""An SMS conversation waits half a day for its next answer; then it is over."""
MOST_ANSWERS_AN_HOUR, MOST_ANSWERS_A_DAY = 40, 120
"""A form has a dozen questions. A machine that answers our answers is let go after these."""
MOST_AFTER_STOP = 15
"""In a day, to whoever said STOP: others may write in that name, and she asked for silence."""


def take_answer(tx: Connection, runtime: Runtime, sms: IncomingSms, key_hash: bytes, now: int) -> bool:
    """Answer an SMS that begins a conversation or goes on with one; False when it does neither."""
    assert sms.phone is not None
    # Two answers at the same moment take turns: each is read at the question the other one left. The conversation is
    # locked before the phone, as the worker does that looks after forms left unfinished.
    conversation_tables.find_conversation(tx, _keys(runtime, sms.phone))
    phone = phone_tables.ensure_phone(tx, sms.phone, now)
    phone_tables.lock_phone(tx, phone.id)
    talk = _Talk(tx, runtime, sms, key_hash, now)
    thread = talk.under_way()
    wanted = sms_keywords.find_keyword(sms.text, sms_keywords.keywords_of(talk.library))
    if thread is None and wanted is None:
        return False
    if not _may_answer(tx, runtime, sms.phone, phone, now):
        return True
    if thread is None:
        assert wanted is not None
        talk.begin(wanted)
    else:
        talk.go_on(thread, wanted)
    return True


def end_conversation(tx: Connection, runtime: Runtime, number: str, now: int) -> None:
    """Whoever says STOP is asked nothing more."""
    stored = conversation_tables.find_conversation(tx, _keys(runtime, number))
    if stored is not None:
        conversation_tables.end_conversation(tx, stored.id, now)


def _keys(runtime: Runtime, number: str) -> list[bytes]:
    return runtime.vault.indexes("sms", "conversation", number)


def _may_answer(tx: Connection, runtime: Runtime, number: str, phone: Phone, now: int) -> bool:
    """Not to foreign numbers, on whose answers somebody may earn, nor to machines, nor without end."""
    if phone_numbers.region(number) not in runtime.config.may_write_to:
        count(tx, "replies_abroad_held_back")
        return False
    lately = message_tables.sent_since(tx, phone.number_idx, "talk", now - 3_600_000)
    in_a_day = message_tables.sent_since(tx, phone.number_idx, "talk", now - DAY_MS)
    most_a_day = MOST_AFTER_STOP if phone_tables.opted_out(tx, phone.number_idx) else MOST_ANSWERS_A_DAY
    if in_a_day >= MOST_ANSWERS_A_DAY:
        robot_loops.mute(tx, runtime, phone.id, in_a_day, now)
    if robot_loops.is_muted(tx, phone.id, now) or lately >= MOST_ANSWERS_AN_HOUR or in_a_day >= most_a_day:
        count(tx, "replies_held_back")
        return False
    return True


class _Talk:
    """One SMS and what it is answered with; lives for one transaction."""

    def __init__(self, tx: Connection, runtime: Runtime, sms: IncomingSms, key_hash: bytes, now: int) -> None:
        assert sms.phone is not None
        self.tx, self.runtime, self.sms, self.now = tx, runtime, sms, now
        self.number = sms.phone
        self.event = key_hash.hex()[:32]
        self.library = releases.library(runtime, tx)
        self.handset: Handset = runtime.handset("sms")
        # Drafts are shown where the answers leave, whatever carrier brought the question.
        self.channel = runtime.routes[0].name if runtime.routes else sms.channel
        self.keys = _keys(runtime, sms.phone)
        self.stored: Conversation | None = None
        self.misread = False

    def under_way(self) -> Thread | None:
        """The conversation that waits for an answer; one that waited too long is put away."""
        stored = conversation_tables.find_conversation(self.tx, self.keys)
        if stored is not None and (stored.ended or self.now - stored.updated_at > LIFE_MS):
            conversation_tables.forget_conversation(self.tx, stored.id)
            stored = None
        self.stored = stored
        return Thread.opened(self.runtime, stored.progress) if stored else None

    def begin(self, flow_id: str) -> None:
        """The first question of this flow, in the place of the conversation under way if there is one."""
        flow = self.library.get(flow_id)
        conversation_id = self.stored.id if self.stored else new_id()
        caller = people_tables.find_caller(self.tx, self.number)
        turn = talking.begin(self.tx, self._situation(flow, conversation_id), flow, caller, self.handset)
        fresh = Thread(turn.progress, "", [], origin=conversation_id, number=self.number)
        self._keep(flow, fresh, talking.reply_of(turn), conversation_id)

    def go_on(self, thread: Thread, wanted: str | None) -> None:
        """Answer the question under way, unless a word asks for another conversation."""
        assert self.stored is not None
        flow = talking.flow_of(self.runtime, self.tx, self.stored.flow_hash)
        if thread.offer is not None:
            self._answer_offer(flow, thread)
        elif wanted is not None and not self._is_an_answer(flow, thread):
            self._leave_for(flow, thread, wanted)
        else:
            self._answer(flow, thread)

    def _answer(self, flow: Flow, thread: Thread) -> None:
        assert self.stored is not None
        today = self.runtime.today(self.now)
        goes_back = sms_keywords.is_word(self.sms.text, sms_keywords.BACK)
        if goes_back and not engine.can_go_back(flow, thread.progress, today, self.handset):
            turn = engine.show(flow, thread.progress, today, self.handset)  # no answer, and no wrong one
        else:
            situation = self._situation(flow, thread.origin)
            turn = talking.answer(self.tx, situation, flow, thread.progress, self._typed(), self.handset)
            self.misread = engine.was_misread(turn.progress)
        thread.progress = turn.progress
        self._keep(flow, thread, talking.reply_of(turn), self.stored.id)

    def _is_an_answer(self, flow: Flow, thread: Thread) -> bool:
        return engine.understands(flow, thread.progress, self.sms.text, self.runtime.today(self.now))

    def _leave_for(self, flow: Flow, thread: Thread, wanted: str) -> None:
        """Ask first; but who only chooses in the first menus is in the middle of nothing."""
        inside = standing.flows_around(flow, thread.progress.path)[-1]
        if inside.id == START_FLOW or not thread.progress.tape:
            self.begin(wanted)
            return
        thread.offer, thread.wanted = "leave", wanted
        self._ask(flow, thread)

    def _answer_offer(self, flow: Flow, thread: Thread) -> None:
        assert self.stored is not None
        assert thread.offer is not None
        stays = offers.goes_on(thread.offer, self.sms.text, thread.progress.language)
        if stays is None:
            self.misread = True
            self._ask(flow, thread, again=True)
            return
        thread.offer = None
        if not stays:
            self.begin(thread.wanted if thread.wanted in self.library.flows else START_FLOW)
            return
        turn = engine.show(flow, thread.progress, self.runtime.today(self.now), self.handset)
        thread.progress = turn.progress
        self._keep(flow, thread, talking.reply_of(turn), self.stored.id)

    def _ask(self, flow: Flow, thread: Thread, *, again: bool = False) -> None:
        assert self.stored is not None
        title, language = standing.title_of(flow, thread.progress), thread.progress.language
        text = offers.screen_of("leave", title, language, self.handset, again=again)
        self._keep(flow, thread, Reply(text, True), self.stored.id)

    def _typed(self) -> str:
        """The keys of a handset have words here."""
        if sms_keywords.is_word(self.sms.text, sms_keywords.BACK):
            return self.handset.back
        return self.handset.more if sms_keywords.is_word(self.sms.text, sms_keywords.MORE) else self.sms.text

    def _situation(self, flow: Flow, origin: int) -> Situation:
        runtime, today = self.runtime, self.runtime.today(self.now)
        words = f"{flow.id}:{flow.hash}"
        return Situation(
            runtime, self.now, today, self.number, self.channel, self.event, words, way="sms", origin=origin
        )

    def _keep(self, flow: Flow, thread: Thread, reply: Reply, conversation_id: int) -> None:
        """Keep where the caller stands now, and send the screen."""
        thread.screens = []  # an answer by SMS is never asked for again
        thread.shows("", thread.progress, reply)
        thread.settle(flow)
        if self.stored is None:
            conversation_tables.add_conversation(
                self.tx,
                id=conversation_id,
                key=self.keys[0],
                session_idx=self.keys[0],
                number_idx=self.runtime.vault.index(self.number),
                channel=conversation_tables.BY_SMS,
                flow_hash=flow.hash,
                progress=thread.sealed(self.runtime),
                ended=not reply.more,
                now=self.now,
            )
        else:
            conversation_tables.keep_step(
                self.tx, conversation_id, thread.sealed(self.runtime), not reply.more, self.now
            )
            if flow.hash != self.stored.flow_hash:
                conversation_tables.change_flow(self.tx, conversation_id, flow.hash)
        self._send(reply.text)

    def _send(self, text: str) -> None:
        # What nobody types and no question takes is a machine's: such answers are counted with those to a stranger.
        loops = self.misread and sms_keywords.is_like_a_screen(self.sms.text)
        if loops and not robot_loops.may_reply(self.tx, self.runtime, self.number, self.now, left=1):
            return
        letter = outbox.Letter(
            to=self.number,
            text=text,
            key=f"talk:{self.event}",
            purpose="reply" if loops else "talk",
            klass="once",
            not_before=self.now,
            useful_until=self.now + DAY_MS,
            hours="any",
        )
        outbox.put(self.tx, self.now, letter)
