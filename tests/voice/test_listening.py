"""The real model on speech that espeak-ng speaks."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from banshi.composition import Application
from tests.voice.speaking import encode, louder, noise, silence, wav, with_noise
from tests.voice.speaking import speak as speak_slowly
from voice.listening import Heard, Progress, VoiceBusyError, VoiceService
from voice.model_store import ModelError


def speak(text: str) -> bytes:
    """At the speed at which the model hears espeak best."""
    return speak_slowly(text, speed=180)


SPOKEN = silence(0.3) + speak("身份证丢了怎么补办") + silence(0.3)
BLOCK = 3_200


def streamed(voice: VoiceService, pcm: bytes, *, block: int = BLOCK) -> tuple[list[Progress], Heard]:
    with voice.open() as stream:
        progress = []
        for start in range(0, len(pcm), block):
            progress.append(stream.accept(pcm[start : start + block]))
            if progress[-1].is_over:
                break
        return progress, stream.finish()


def test_a_query_is_heard_word_by_word_and_ends_when_nobody_speaks_any_more(voice: VoiceService) -> None:
    progress, heard = streamed(voice, SPOKEN + silence(5))
    partials = [each.partial for each in progress]
    assert "身份证" in partials[-1]
    assert len(set(partials)) > 2
    assert progress[-1].is_over
    assert len(progress) * 0.1 < len(SPOKEN) / 32_000 + 1.5
    assert heard.text.startswith("身份证")
    assert heard.hypotheses[0].weight == 1.0
    assert all(0 < each.weight <= 1 for each in heard.hypotheses)
    assert heard.advice is None


def test_a_pause_does_not_cut_a_query_in_two(voice: VoiceService) -> None:
    _progress, heard = streamed(voice, speak("申请低保") + silence(0.6) + speak("身份证丢了怎么补办") + silence(0.5))
    assert "低保" in heard.text
    assert "身份证" in heard.text


@pytest.mark.parametrize(
    ("sound", "condition", "said"),
    [
        (silence(2), "silence", "静音"),
        (noise(2, "white", 1, level_db=-30), "noise", "杂音"),
        (noise(2, "hum", 1, level_db=-15), "noise", "杂音"),
        (b"", "silence", "静音"),
    ],
    ids=["silence", "hiss", "hum", "nothing"],
)
def test_where_nobody_speaks_the_person_is_told_why(voice, sound: bytes, condition: str, said: str) -> None:
    _progress, heard = streamed(voice, sound)
    assert (heard.hypotheses, heard.condition) == ((), condition)
    assert said in (heard.advice or "")


def test_silence_ends_after_a_while_and_speech_after_fifteen_seconds(voice: VoiceService) -> None:
    progress, _heard = streamed(voice, silence(14))
    assert progress[-1].is_over
    assert len(progress) < 70
    progress, heard = streamed(voice, (speak("身份证丢了怎么补办") + silence(0.2)) * 12)
    assert progress[-1].is_over
    assert heard.seconds == 15


def test_speech_in_a_noisy_hall_is_heard(voice: VoiceService) -> None:
    _progress, heard = streamed(voice, with_noise(SPOKEN, 15, "pink", 1))
    assert heard.condition == "speech"
    assert any("证" in each.text for each in heard.hypotheses)


def test_odd_blocks_hear_the_same(voice: VoiceService) -> None:
    assert streamed(voice, SPOKEN, block=1_777)[1].text == streamed(voice, SPOKEN)[1].text


@pytest.mark.parametrize("form", ["wav", "webm", "mp4"])
def test_a_recording_is_heard_as_a_stream_is(voice: VoiceService, form: str) -> None:
    codecs = {"webm": "libopus", "mp4": "aac"}
    data = wav(SPOKEN) if form == "wav" else encode(SPOKEN, form, codecs[form])
    assert "身份证" in voice.hear(data).text


def test_a_quiet_voice_is_understood_or_asked_to_speak_up(voice: VoiceService) -> None:
    heard = voice.hear(wav(louder(SPOKEN, -40)))
    assert heard.condition == "quiet"
    assert "丢了" in heard.text or "声音太小" in (heard.advice or "")


def test_only_so_many_speak_at_once_and_a_place_is_free_again_however_a_stream_ends(sample: Application) -> None:
    voice = sample.voice_with(streams=2)
    assert not voice.is_loaded
    with voice.open(), voice.open():
        assert voice.is_loaded
        with pytest.raises(VoiceBusyError, match="用语音的人多"), voice.open():
            pass
    for _time in range(4):
        with pytest.raises(RuntimeError), voice.open() as stream:
            stream.accept(SPOKEN[:BLOCK])
            raise RuntimeError
    with voice.open(), voice.open():
        pass


def test_two_who_speak_at_once_are_not_mixed_up(voice: VoiceService) -> None:
    texts = ["身份证丢了怎么补办", "申请低保"]
    found: dict[str, str] = {}

    def listen(text: str) -> None:
        found[text] = streamed(voice, silence(0.3) + speak(text) + silence(0.3))[1].text

    threads = [threading.Thread(target=listen, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "身份证" in found[texts[0]]
    assert "低保" in found[texts[1]]


def test_a_model_that_is_missing_is_told_and_holds_no_place(sample: Application) -> None:
    voice = VoiceService(lambda: sample.models.find("nothing"), _words(sample), streams=1)
    for _time in range(3):
        with pytest.raises(ModelError, match="没有语音模型 nothing"), voice.open():
            pass


def test_words_of_a_new_catalogue_are_heard_at_once(sample: Application) -> None:
    language = sample.search.language
    lexicon = language.lexicon
    voice = VoiceService(
        lambda: sample.models.find("banshi-small-cn-0.1"), lambda: (lexicon, language.analyzer), streams=1
    )
    said = silence(0.3) + speak("月球旅行审批") + silence(0.3)
    before = streamed(voice, said)[1]
    item = replace(lexicon.items[0], texts=("月球旅行审批",))
    lexicon = replace(lexicon, items=(item, *lexicon.items[1:]))
    after = streamed(voice, said)[1]
    assert "月球" not in before.text
    assert after.text == "月球旅行审批"


def _words(sample: Application):
    return lambda: (sample.search.language.lexicon, sample.search.language.analyzer)
