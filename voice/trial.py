"""``python -m voice.trial FOLDER``: load a model and listen to half a second of silence.

Vosk ends the whole process on some broken models, so a model is tried in a process of its own before it is used. What
is wrong with it stands on standard error.
"""

from __future__ import annotations

import json
import sys

import vosk

from voice.sound import BYTES_PER_SECOND, RATE


def main() -> int:
    """0 where the model works."""
    recognizer = vosk.KaldiRecognizer(vosk.Model(sys.argv[1]), RATE)
    recognizer.AcceptWaveform(bytes(BYTES_PER_SECOND // 2))
    return 0 if "text" in json.loads(recognizer.FinalResult()) else 1


if __name__ == "__main__":
    sys.exit(main())
