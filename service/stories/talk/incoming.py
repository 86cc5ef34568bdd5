"""SMS that people write to us: STOP (ARRET) and START before all, then the words and answers of conversations."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flows import answers, phone_numbers, sms_keywords
from service.channels.base import IncomingSms, OptOut
from service.clock import DAY_MS
from service.runtime import Runtime
from service.store import inbound_tables, phone_tables
from service.store.columns import rules_of
from service.store.system_tables import count
from service.stories.delivery import dead_numbers, dispatch_gate
from service.stories.delivery.outbox import Letter, put
from service.stories.homes import number_checks
from service.stories.recall.reminders import spoken_language
from service.stories.talk import handover_answers, mediator_sms, opt_outs, robot_loops, sms_conversations

HOUR_MS = 3_600_000


def take_sms(runtime: Runtime, sms: IncomingSms) -> None:
    """Store one SMS and do what it says, once, in one transaction; a STOP counts from the moment this returns."""
    now = runtime.now()
    with runtime.database.begin() as tx:
        identity = (sms.event_id,) if sms.event_id else (sms.sender, sms.text, sms.to, str(now // HOUR_MS))
        key_hash = inbound_tables.first_time(tx, sms.channel, "sms", now, *identity)
        if key_hash is None:
            return
        number_idx = runtime.vault.index(sms.phone) if sms.phone else None
        inbound_tables.keep_body(tx, key_hash, number_idx, sms.text, now)
        if sms.phone is None:
            count(tx, "sms_from_a_machine")  # letters or a short code: never answered, or two machines talk for ever
        elif sms.phone in rules_of(tx).own_numbers:
            count(tx, "sms_from_ourselves")  # another line of ours, or somebody who writes in its name
        else:
            _do_what_it_says(tx, runtime, sms, sms.phone, key_hash, now)
            dead_numbers.heard_from(tx, runtime, sms.phone, now)  # last: conversations are locked before phones


def _do_what_it_says(
    tx: Connection, runtime: Runtime, sms: IncomingSms, number: str, key_hash: bytes, now: int
) -> None:
    """A STOP before all; whatever else came before a restore is left, and of the rest a START goes first."""
    word = answers.keyword(sms.text)
    was_here = sms.at is not None and sms.at <= dispatch_gate.restored_at(tx)
    if word == "stop" or sms.opt_out:
        opt_outs.stop(tx, runtime, number, "sms", now)
        sms_conversations.end_conversation(tx, runtime, number, now)
        if not sms.opt_out and not was_here:  # the carrier that handled the STOP refuses an answer to it
            _reply(tx, runtime, number, "stop_done", key_hash, now)
    elif was_here:
        count(tx, "sms_before_the_restore")  # it was answered before the database was put back, or may have been
    elif word == "start":
        # Anybody can write it in her name: it counts only where the answer tells her so.
        if _reply(tx, runtime, number, "start_done", key_hash, now):
            opt_outs.start(tx, runtime, number, now)
    else:
        _answer_words(tx, runtime, sms, number, key_hash, now)


def _answer_words(tx: Connection, runtime: Runtime, sms: IncomingSms, number: str, key_hash: bytes, now: int) -> None:
    """A report, a conversation, an answer to what was asked of this phone: the first that takes the words has them."""
    # Reports before a conversation under way: VU and a code answer no question.
    if mediator_sms.take_report(tx, runtime, sms, key_hash, now):
        return
    if sms_conversations.take_answer(tx, runtime, sms, key_hash, now):
        return
    if (about := handover_answers.answer_to(tx, number, sms.text, now)) is not None:
        # As for START: what nobody is told of is not done.
        if _reply(tx, runtime, number, about, key_hash, now):
            handover_answers.carry_out(tx, runtime, number, about, now)
    elif (answer := number_checks.take_answer(tx, runtime, number, sms.text, now)) is not None:
        _reply(tx, runtime, number, answer, key_hash, now)
    else:
        count(tx, "sms_not_understood")
        if not sms_keywords.is_only_polite(sms.text):
            _reply(tx, runtime, number, "sms.help", key_hash, now, left=1)


def take_opt_out(runtime: Runtime, opt_out: OptOut) -> None:
    """A legal stop that the carrier passes on; it has no id, so it is simply applied again when repeated."""
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, opt_out.phone, "carrier", runtime.now())


def _reply(
    tx: Connection, runtime: Runtime, number: str, phrase: str, key_hash: bytes, now: int, *, left: int = 0
) -> bool:
    """Answer, unless too much was answered lately, so many less than may be; False when nothing is said."""
    if phone_numbers.region(number) not in runtime.config.may_write_to:
        count(tx, "replies_abroad_held_back")  # somebody may earn on every answer to his foreign numbers
        return False
    if not robot_loops.may_reply(tx, runtime, number, now, left=left):
        return False
    phone = phone_tables.ensure_phone(tx, number, now)
    language = spoken_language(runtime, phone.language, phrase)
    text = runtime.phrases.say(phrase, language, sender=runtime.config.sender_name, code=runtime.config.service_code)
    letter = Letter(
        to=number,
        text=text,
        key=f"reply:{key_hash.hex()[:32]}:{phrase}",
        purpose="reply",
        klass="once",
        not_before=now,
        useful_until=now + DAY_MS,
        hours="any",
    )
    return put(tx, now, letter) is not None
