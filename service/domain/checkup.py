"""What a sysadmin should look at: one small function for each thing, over facts that somebody else gathered.

To add one: a fact with a harmless default (`checkup_facts`), a function that finds something or nothing, and its place
in CHECKS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from service.domain.checkup_facts import Facts, Finding, Level
from service.domain.checkup_words import DAY, HOUR, MINUTE, account_name, ago, how_long

MB = 10**6

Found = Iterable[Finding]


def look_over(facts: Facts) -> list[Finding]:
    """Everything there is to look at, the most urgent first."""
    found = [finding for check in CHECKS for finding in check(facts)]
    return sorted(found, key=lambda finding: ("now", "soon", "know").index(finding.level))


# --- can it run ---------------------------------------------------------------------------------------------


def settings(facts: Facts) -> Found:
    for line in facts.wrong_settings:
        yield Finding(
            "now", "settings", line, "Change it in the environment; `laseli config check` says when it is good."
        )


def database(facts: Facts) -> Found:
    if facts.no_database_at:
        said = f"There is no database {facts.no_database_at}."
        yield Finding("now", "database", said, "Set LASELI_DATABASE_URL, or make one there with `laseli db upgrade`.")
    if facts.not_ours:
        said = f"Who asks may not write to {facts.not_ours}, nor to its folder."
        yield Finding("now", "database", said, "Ask as the user of the services; if it is not theirs: `chown` both.")
    if facts.unreachable:
        said = f"The database does not answer ({facts.unreachable})."
        yield Finding("now", "database", said, "Look at LASELI_DATABASE_URL, at the server, at the disk.")


def migrations(facts: Facts) -> Found:
    has, newest = facts.migration, facts.newest_migration
    if has == newest:
        return
    if facts.is_unsettled:
        said = "This is a backup that was put here by hand: it would say again what it has said since."
        yield Finding("now", "migrations", said, "Use `laseli db restore`, which settles it.")
        return
    if has is not None and has > newest:
        said = f"A newer Laseli was here: migration {has}, and this version knows {newest}."
        yield Finding("now", "migrations", said, "Install that version again.")
    else:
        said = f"The database is at migration {has or 'none'}, this version needs {newest}."
        remedy = "Make a backup, then run `laseli db upgrade`." if has else "Run `laseli db upgrade`."
        yield Finding("now", "migrations", said, remedy)


def keys(facts: Facts) -> Found:
    if facts.wrong_keys:
        remedy = "Take the keys that this database was made with from the safe."
        yield Finding("now", "keys", facts.wrong_keys + ".", remedy)


def integrity(facts: Facts) -> Found:
    if facts.damage:
        remedy = "Stop everything, keep a copy, restore the last backup (docs/operations.md)."
        yield Finding("now", "integrity", f"The database is damaged: {facts.damage}.", remedy)


def disk(facts: Facts) -> Found:
    free, size = facts.disk_free, facts.database_size
    if free is None:
        return
    said = f"The disk has {free // MB} MB left, and the database takes {size // MB} MB."
    if free < 200 * MB:
        yield Finding("now", "disk", said, "Make room: with a full disk nothing that comes in can be kept.")
    elif free < max(1000 * MB, 3 * size):
        yield Finding("soon", "disk", said, "Make room: a backup needs twice the database for a moment.")


def durability(facts: Facts) -> Found:
    if facts.sqlite_synchronous != "FULL":
        said = f"LASELI_SQLITE_SYNCHRONOUS is {facts.sqlite_synchronous}: a power cut loses what was promised."
        yield Finding("soon", "durability", said, "Remove the setting: FULL is what it is without.")
    server = facts.server
    if server is None:
        return
    off = [name for name in ("fsync", "full_page_writes") if not getattr(server, name)]
    if server.synchronous_commit in ("off", "local"):
        off.append("synchronous_commit")
    for name in off:
        said = f"PostgreSQL runs with {name} off: a power cut loses what was promised."
        yield Finding("now", "durability", said, f"Set {name} = on in postgresql.conf and reload.")


def worker(facts: Facts) -> Found:
    left = facts.worker_lease_ms
    if left is None or left <= 0:
        since = f" {ago(-left)}" if left else ""
        said = f"No worker is alive{since}: nothing is planned and nothing is sent."
        yield Finding("now", "worker", said, "Start `laseli worker`, and let a supervisor start it again.")


def web(facts: Facts) -> Found:
    if facts.web_is_silent_at and not facts.is_trial:
        said = f"The web process does not answer at {facts.web_is_silent_at}: no call and no SMS is taken."
        remedy = "Start `laseli serve`, and let a supervisor start it again; LASELI_HOST and LASELI_PORT say where."
        yield Finding("now", "web", said, remedy)


# --- does it send -------------------------------------------------------------------------------------------


def gate(facts: Facts) -> Found:
    for one in facts.closed:
        said = f"Nothing is sent {ago(facts.now - one.since)} ({one.reason}): {one.detail.rstrip('.')}."
        yield Finding("now", "dispatch", said, _REOPEN.get(one.reason, _RELEASE))


_RELEASE = "`laseli outbox release --dry-run` says what would leave; then release it."
_REOPEN = {
    "clock": "Set the clock and it goes on by itself; when it is right: `laseli clock accept --by NAME`.",
    "moved": "Set LASELI_DATABASE_URL to the database that took its place; two that send say everything twice.",
}


def clock(facts: Facts) -> Found:
    if facts.clock_is_kept is False:
        remedy = "Turn time synchronisation on: `timedatectl set-ntp true`."
        yield Finding("soon", "clock", "Nothing keeps this machine's clock right.", remedy)
    off = facts.database_clock_off_ms
    if off is not None and abs(off) > 30_000:
        said = f"This machine's clock and the database's are {abs(off) // 1000} seconds apart."
        yield Finding("now", "clock", said, "Set both by time synchronisation: leases and hours depend on them.")


def time_went_back(facts: Facts) -> Found:
    newest = facts.newest_event
    if newest is not None and newest - facts.now > 5 * MINUTE:
        said = f"This machine's clock is {how_long(newest - facts.now)} before what was already written."
        yield Finding(
            "now", "clock", said, "Set it right before anything else; a machine without a battery forgets time."
        )


def late(facts: Facts) -> Found:
    due = facts.oldest_due
    if due is not None and facts.now - due > 15 * MINUTE:
        said = f"A message that should have left is late by {how_long(facts.now - due)}."
        yield Finding(
            "now", "outbox", said, "Look at dispatch, routes and money above and below; `laseli outbox list`."
        )


def routes(facts: Facts) -> Found:
    if not facts.routes:
        remedy = "Set LASELI_ROUTES to a carrier that is set up."
        yield Finding("now", "routes", "No carrier is named to send by.", remedy)
    for one in facts.paused:
        ends = f", by itself in {how_long(one.until - facts.now)}" if one.until is not None else ""
        said = f"The route {one.channel} is paused by {one.by}{ends}: {one.reason}."
        everywhere = {pause.channel for pause in facts.paused} >= set(facts.routes)
        remedy = f"Mend what it says; then `laseli route open {one.channel} --by NAME`."
        yield Finding("now" if everywhere else "soon", "routes", said, remedy)


def calls(facts: Facts) -> Found:
    if facts.calls_by and facts.cannot_be_said:
        missing = ", ".join(facts.cannot_be_said)
        said = f"{facts.calls_by} is to call, and cannot say {missing}: who chose calls gets SMS instead."
        yield Finding("soon", "calls", said, "Record them and have them reviewed (docs/voice.md).")


def money(facts: Facts) -> Found:
    for one in facts.accounts:
        spent = f"{one.spent // 100} FCFA of the budget of {account_name(one.account)} are spent"
        if one.stopped:
            yield Finding("now", "money", f"{spent}: nothing more leaves.", "Find out why, then raise the budget.")
        elif one.warned:
            yield Finding("soon", "money", f"{spent}, 80 % or more.", "Find out why, or raise the budget.")


def unknown(facts: Facts) -> Found:
    number = facts.states.get("unresolved", 0)
    if number:
        said = f"Of {number} messages nobody will know by itself whether they arrived."
        remedy = "`laseli outbox list --state unresolved`, then retry or leave them."
        yield Finding("soon", "outbox", said, remedy)
    waiting = facts.states.get("unknown", 0)
    if waiting:
        said = f"{waiting} messages are of unknown fate; receipts may still come."
        yield Finding("know", "outbox", said, "`laseli outbox list --state unknown`.")


def jobs(facts: Facts) -> Found:
    found = facts.jobs
    if found is None:
        return
    if found.oldest_due is not None and facts.now - found.oldest_due > 15 * MINUTE:
        said = f"{found.waiting} jobs wait, the oldest for {how_long(facts.now - found.oldest_due)}."
        yield Finding("soon", "jobs", said, "Start a worker, or one more.")
    if found.failed:
        said = f"{found.failed} jobs were given up."
        yield Finding("soon", "jobs", said, "Look at the log for why, then start them again or drop them.")


# --- is it heard --------------------------------------------------------------------------------------------


def conversations(facts: Facts) -> Found:
    if facts.flow_problem:
        said = f"Callers hear an older version: {facts.flow_problem}"
        yield Finding(
            "soon", "conversations", said, "Mend the file, then `laseli flow check` and `laseli flow publish`."
        )


def incoming(facts: Facts) -> Found:
    for one in facts.heard:
        silent = one.receipt_at is None or facts.now - one.receipt_at > DAY
        if one.tells_receipts and silent and one.accepted_lately >= 5:
            said = f"{one.channel} took {one.accepted_lately} messages in the last day and told what became of none."
            remedy = "See that its delivery reports lead to our address (docs/running.md)."
            yield Finding("soon", "receipts", said, remedy)
        if one.sms_at is not None and facts.now - one.sms_at > 7 * DAY:
            said = f"No SMS came in by {one.channel} for {how_long(facts.now - one.sms_at)}."
            yield Finding("know", "incoming", said, "Write to our number; if nothing comes in, look at its callback.")


def secrets(facts: Facts) -> Found:
    for name in facts.weak_secrets:
        said = f"{name} can be guessed, or stands at two carriers: whoever knows it can speak as a carrier."
        yield Finding(
            "soon", "secrets", said, "`laseli keys new` prints a new one; set NEW,OLD until it is changed there."
        )


def address(facts: Facts) -> Found:
    local = ("http://127.0.0.1", "http://localhost")
    if facts.public_url.startswith("http://") and not facts.public_url.startswith(local):
        said = "LASELI_PUBLIC_URL is not https: numbers and words can be read on the way."
        yield Finding("soon", "address", said, "Put a proxy with a certificate before it, and write https.")


# --- is it safe ---------------------------------------------------------------------------------------------


def console(facts: Facts) -> Found:
    found = facts.console
    if found is None or facts.is_trial:
        return
    if not found.is_secure:
        said = "LASELI_DEMO_SECRET is set: the console's cookie may be read on the way, and http is not refused."
        yield Finding("now", "console", said, "Remove the setting: it is for `dev demo` and its own database.")
    if not found.proxy:
        said = (
            "LASELI_CONSOLE__PROXY is not set: all visitors count as one address, and thirty wrong tries keep out "
            "every browser that was never in."
        )
        yield Finding("soon", "console", said, "Set it to the address of the proxy that ends https (docs/console.md).")


def guesses(facts: Facts) -> Found:
    for one in facts.guesses:
        level, said, remedy = _GUESSES[one.kind]
        hours = f"in {one.times} hours, the last time" if one.times > 1 else "in one hour,"
        words = f"{said.format(login=one.login)}: {hours} {how_long(facts.now - one.last_at)} ago."
        yield Finding(level, "console", words, remedy.format(login=one.login))


_RESET = "Ask the person; if it was somebody else: `laseli staff reset {login} --by NAME`."
_GUESSES: dict[str, tuple[Level, str, str]] = {
    "code": ("now", "Somebody has the password of {login} and tries codes", _RESET),
    "former": ("soon", "Somebody tried the password of {login} at a page that was open", _RESET),
    "door": ("soon", "Somebody tries passwords of {login}", _RESET),
    "search": (
        "soon",
        "{login} looked for many children that are not there",
        "`laseli staff reads {login}` shows what was read; `laseli staff revoke {login} --by NAME` ends it.",
    ),
    "address": (
        "soon",
        "One address tried many passwords",
        "Look at the proxy's log; if all visitors count as one address, set LASELI_CONSOLE__PROXY.",
    ),
}


def backup(facts: Facts) -> Found:
    not_read = facts.wrong_settings or facts.no_database_at or facts.unreachable or facts.not_ours or facts.damage
    if facts.is_trial or not_read or facts.migration != facts.newest_migration:
        return  # whether there is one stands in the tables
    if not facts.seals_to:
        remedy = "`laseli db backup-key`, then LASELI_BACKUP__RECIPIENTS and a timer (docs/operations.md)."
        yield Finding("soon", "backup", "No backup can be made: there is no key to seal it to.", remedy)
    elif facts.last_backup is None:
        remedy = "`laseli db backup --to DIR`, and a timer for it (docs/operations.md)."
        yield Finding("soon", "backup", "No backup was ever made.", remedy)
    elif facts.now - facts.last_backup > HOUR:
        age = facts.now - facts.last_backup
        said = f"The last backup is {how_long(age)} old: all since then would be lost with this disk."
        yield Finding("now" if age > DAY else "soon", "backup", said, "See why the timer does not run.")


def permissions(facts: Facts) -> Found:
    if facts.open_settings:
        said = f"{facts.open_settings} holds the keys, and every user of this machine can read it."
        yield Finding("soon", "permissions", said, f"chmod o= {facts.open_settings}")
    for file in facts.readable_by_others:
        yield Finding("soon", "permissions", f"{file} can be read by others.", f"chmod 600 {file}")


def connections(facts: Facts) -> Found:
    server = facts.server
    if server and server.connections * 10 > server.most_connections * 8:
        said = f"PostgreSQL has {server.connections} of {server.most_connections} connections in use."
        yield Finding("soon", "connections", said, "Run fewer processes, or raise max_connections.")


def set_aside(facts: Facts) -> Found:
    for place in facts.set_aside:
        said = f"What a restore replaced is still kept in {place}: nothing is ever erased there."
        yield Finding("soon", "set aside", said, "Delete it when nobody needs it any more.")


def dead_numbers(facts: Facts) -> Found:
    if facts.dead_numbers:
        said = f"{facts.dead_numbers} numbers receive nothing any more, and are not written to."
        yield Finding("know", "numbers", said, "They stand on the mediators' list: `laseli todo list`.")


def plans(facts: Facts) -> Found:
    if facts.planned_otherwise and not facts.is_replanning:
        said = f"{facts.planned_otherwise} children have dates of an older calendar."
        yield Finding("soon", "plans", said, "`laseli replan start --dry-run`, then `laseli replan start --by NAME`.")


def drafts(facts: Facts) -> Found:
    if facts.drafts_allowed_by and facts.real_routes:
        said = f"Texts that no speaker has reviewed go to people, as {facts.drafts_allowed_by} allowed."
        yield Finding("know", "drafts", said, "Have them reviewed, then remove LASELI_DRAFTS_ALLOWED_BY.")


def trial(facts: Facts) -> Found:
    if facts.is_trial and facts.real_routes:
        said = f"The time of this database may be moved, and {', '.join(facts.real_routes)} leads to real people."
        yield Finding("soon", "trial", said, "Use a database of its own for people, made with `laseli db upgrade`.")


CHECKS: tuple[Callable[[Facts], Found], ...] = (
    settings,
    database,
    migrations,
    keys,
    integrity,
    disk,
    durability,
    worker,
    web,
    gate,
    clock,
    time_went_back,
    routes,
    calls,
    money,
    late,
    unknown,
    jobs,
    conversations,
    incoming,
    backup,
    secrets,
    address,
    console,
    guesses,
    permissions,
    connections,
    set_aside,
    dead_numbers,
    plans,
    drafts,
    trial,
)
