from __future__ import annotations

import pytest

from banshi.composition import Application
from voice.listening import VoiceService


@pytest.fixture(scope="session")
def voice(sample: Application) -> VoiceService:
    """The real model, biased by the sample catalogue. Tests that count streams make their own."""
    return sample.voice
