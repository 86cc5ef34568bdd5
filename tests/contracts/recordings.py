"""The recorded callbacks of the carriers in `data/callbacks`, byte for byte, and parsed as werkzeug parses them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from service.channels.raw_request import Raw

FOLDER = Path(__file__).parent / "data" / "callbacks"


@dataclass(frozen=True)
class Recording:
    """`pairs` are the fields as werkzeug reads the very body; `form` are those that the recording says were meant.

    `raw` is the request as the doors hand it to a channel.
    """

    name: str
    event: str
    form: dict[str, str]
    expect: dict[str, Any]
    answer: dict[str, Any]
    pairs: tuple[tuple[str, str], ...]
    path_and_query: str
    query: tuple[tuple[str, str], ...]
    signature: str | None
    headers: dict[str, str]
    raw: Raw


def load(name: str) -> Recording:
    found = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    body = (
        base64.b64decode(found["raw_body_base64"]) if "raw_body_base64" in found else found.get("raw_body", "").encode()
    )
    url = urlsplit(found.get("url", "https://alertes.example.org/hooks"))
    query = url.query or found.get("raw_query") or urlencode(found.get("query", {}))
    path = url.path + (f"?{query}" if query else "")
    builder = EnvironBuilder(
        path, "https://alertes.example.org", method=found["method"], headers=found["headers"], data=body
    )
    request = Request(builder.get_environ())
    return Recording(
        name=name,
        event=found["event"],
        form=found["form"] if "form" in found else found.get("query", {}),
        expect=found.get("expect", {}),
        answer=found["answer"],
        pairs=tuple(request.form.items(multi=True)),
        path_and_query=path,
        query=tuple(request.args.items(multi=True)),
        signature=request.headers.get("X-Twilio-Signature"),
        headers=found["headers"],
        raw=Raw(request.method, url.path, query.encode(), request.mimetype, body),
    )


def names(prefix: str, event: str = "") -> list[str]:
    """The recordings of one carrier, of one event if asked."""
    found = sorted(file.stem for file in FOLDER.glob(f"{prefix}-*.json"))
    return [name for name in found if not event or load(name).event == event]
