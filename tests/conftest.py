"""What tests share. The full sample catalogue is loaded and indexed once for all of them, and never changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from banshi.composition import Application
from tests import catalogue
from tests.banshi.server import START_SECONDS, Server
from tests.elasticsearch.fixtures import elasticsearch_cluster, elasticsearch_node
from tests.postgresql import databases, postgresql_server
from tests.waiting import eventually

__all__ = ["databases", "elasticsearch_cluster", "elasticsearch_node", "postgresql_server", "sample"]

# The verdict on a change depends on the change alone: examples are the same on every run. To look for new ones:
# HYPOTHESIS_PROFILE=explore pytest tests/search/test_understanding.py
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """An application on the whole sample catalogue."""
    folder: Path = tmp_path_factory.mktemp("sample")
    application = catalogue.sample(folder)
    yield application
    application.database.close()


@pytest.fixture(scope="session")
def served_sample(sample: Application) -> Iterator[str]:
    """Address of ``banshi serve`` on the sample catalogue, with one worker: for what a thread in the tests is not."""
    server = Server(sample.settings.data)
    try:
        assert eventually(server.is_ready, START_SECONDS), server.log.read_text()
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.stop()
