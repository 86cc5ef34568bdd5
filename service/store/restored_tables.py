"""What is done to the rows of a database that was just restored, so that no machine says anything a second time."""

from __future__ import annotations

from sqlalchemy import delete, inspect, text, update
from sqlalchemy.engine import Connection

from service.store.columns import database_now
from service.store.conversation_tables import conversation
from service.store.message_tables import message
from service.store.staff_tables import staff_list, staff_session
from service.store.system_tables import lease

REASON = "restored"
m = message.c


def nobody_knows(tx: Connection, now: int) -> int:
    """Whatever may have left since the backup: its fate is unknown, and no machine sends it another time."""
    on_its_way = m.state.in_(("sending", "accepted", "unknown"))
    was_due = (m.state == "queued") & (m.not_before <= now)
    values = {"state": "unknown", "reason": REASON, "resends": 1, "lease_until": None, "state_at": now}
    return tx.execute(update(message).where(on_its_way | was_due).values(**values)).rowcount


def end_conversations(tx: Connection) -> int:
    """Calls that were open then are over by now. Deleted, not ended: some of them must leave no trace."""
    return tx.execute(delete(conversation).where(conversation.c.ended.is_(False))).rowcount


def end_sessions(tx: Connection) -> None:
    """Whoever was on the console is out: a session that was ended since would open again."""
    tx.execute(delete(staff_list))
    tx.execute(delete(staff_session))


def let_leases_go(tx: Connection) -> None:
    """Whoever held one held it elsewhere."""
    tx.execute(update(lease).values(until=database_now() - 1))


def cancel_jobs(tx: Connection, now: int) -> int:
    """Jobs that were due then were done since, or were lost: a page of messages done again would be sent again."""
    there = set(inspect(tx).get_table_names())
    return sum(
        tx.execute(text(statement), {"now": now}).rowcount for table, statement in _CANCEL.items() if table in there
    )


_CANCEL = {
    "job": "UPDATE job SET state = 'failed', error = 'restored', lease_until = NULL, ended_at = :now"
    " WHERE state IN ('waiting', 'running') AND (run_at IS NULL OR run_at <= :now)",
    "procrastinate_jobs": "UPDATE procrastinate_jobs"
    " SET status = CAST(CASE WHEN status = 'todo' THEN 'cancelled' ELSE 'failed' END AS procrastinate_job_status)"
    " WHERE status IN ('todo', 'doing') AND (scheduled_at IS NULL OR scheduled_at <= to_timestamp(:now / 1000.0))",
}
