"""What the contract tests share: a carrier that misbehaves on request, and every channel in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.channels.base import Channel
from tests.contracts.carriers import API_KEY, RECIPES
from tests.loopback import LoopbackCarrier


@pytest.fixture
def carrier() -> Iterator[LoopbackCarrier]:
    with LoopbackCarrier(slow_seconds=1.5, username="laseli", api_key=API_KEY) as running:
        yield running


@pytest.fixture(params=RECIPES)
def channel(request: pytest.FixtureRequest, carrier: LoopbackCarrier) -> Channel:
    return RECIPES[request.param](carrier.base_url)
