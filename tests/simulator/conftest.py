from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from service.simulator.phone_app import create_simulator, simulation_of
from tests.simulator.fake_product import SECRET, FakeProduct
from tests.simulator.visitors import Carrier, Visitor

QUICK = (0.02, 0.02, 0.02)


@pytest.fixture
def product() -> Iterator[FakeProduct]:
    product = FakeProduct()
    yield product
    product.close()


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "simulator.db"


@pytest.fixture
def app(product: FakeProduct, state_file: Path) -> Iterator[Flask]:
    app = create_simulator(
        product.url, SECRET, state_file, product_control=product.control, receipt_delay=0, retry_seconds=QUICK
    )
    yield app
    simulation_of(app).close()


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)


@pytest.fixture
def carrier(app: Flask) -> Carrier:
    return Carrier(app)
