"""What tests share. The full sample catalogue is loaded and indexed once for all of them, and never changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from banshi.composition import Application
from banshi.settings import Settings
from guides import exchange, standard
from guides.sample.catalogue import SampleCatalogue
from indexer.rebuild import rebuild
from tests.elasticsearch.fixtures import elasticsearch_cluster, elasticsearch_node
from tests.postgresql import databases, postgresql_server

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
    application = Application(Settings(data=folder))
    application.database.upgrade()
    with application.database.writing() as connection:
        standard.seed(connection)
    exchange.import_records(application.database, SampleCatalogue().records(), note="示例目录")
    rebuild(application.database, application.index_folder)
    yield application
    application.database.close()
