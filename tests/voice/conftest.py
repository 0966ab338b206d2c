from __future__ import annotations

from pathlib import Path

import pytest

from banshi.composition import Application
from voice.listening import VoiceService
from voice.model_store import DEFAULT_MODEL, ModelStore


@pytest.fixture(scope="session")
def voice(sample: Application) -> VoiceService:
    """The real model, biased by the sample catalogue. Tests that count streams make their own."""
    return sample.voice


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the model that comes with the product."""
    return ModelStore(tmp_path_factory.mktemp("none")).find(DEFAULT_MODEL).folder


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A store in which nothing is installed yet."""
    return ModelStore(tmp_path / "models")
