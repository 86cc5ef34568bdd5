"""The console: pages for supervisors and health centres, whole without a script, for a small phone on a slow line."""

from __future__ import annotations

from flask import Blueprint

from service.logs import log
from service.runtime import Runtime
from service.web.console import (
    console_children,
    console_corrections,
    console_doors,
    console_guard,
    console_imports,
    console_late,
    console_words,
)


def blueprint(runtime: Runtime) -> Blueprint:
    """Everything under /console. A page that nobody classified by role does not let itself be built."""
    if runtime.config.demo_secret is None and not runtime.config.console.proxy:
        log.warning("console_without_proxy", remedy="set LASELI_CONSOLE__PROXY: all visitors count as one address")
    pages = Blueprint("console", __name__, url_prefix="/console", template_folder="templates")
    guard = console_guard.Guard(runtime)
    console_words.dress(pages)
    for room in (console_doors, console_late, console_children, console_corrections, console_imports):
        room.add_pages(pages, runtime, guard)
    guard.stand_at(pages)
    return pages
