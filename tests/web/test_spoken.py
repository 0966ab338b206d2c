"""Recordings through the real model: by POST, by the form, and what the results page makes of several readings."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
from flask import Flask

from tests.voice.speaking import encoded, noise, silence, speak, wav
from tests.web.conftest import ID_CARD, indexed_folder, open_site
from tests.web.linting import LintingClient, Page
from voice.audio import MAX_BYTES

SPOKEN = silence(0.3) + speak("身份证丢了怎么补办") + silence(0.3)
API = "/api/v1/voice"


def post(client: LintingClient, data: bytes, status: int = 200, address: str = API, **headers: str) -> Any:
    response = client.post(address, data=data, headers={"Content-Type": "audio/wav", **headers})
    assert response.status_code == status, response.text[:300]
    return response.json


def send(client: LintingClient, data: bytes, address: str = "/voice", **headers: str) -> Any:
    form = {"audio": (io.BytesIO(data), "recording.wav"), "division": "230102"}
    return client.post(address, data=form, headers=headers, content_type="multipart/form-data")


def test_a_recording_is_answered_as_its_words_would_be(client: LintingClient) -> None:
    answer = post(client, wav(SPOKEN), address=f"{API}?division=230102")
    assert "身份证" in answer["heard"]["text"]
    assert answer["heard"]["condition"] == "speech"
    assert answer["search"]["results"][0]["item_code"] == ID_CARD.code
    assert answer["search"]["understood"]["division"] == "230102"
    assert answer["message"] is None
    assert ID_CARD.name in client.page(answer["url"]).text


def test_a_recording_may_come_in_a_form_and_as_browsers_record_it(client: LintingClient) -> None:
    answer = send(client, encoded(SPOKEN, "webm", "libopus"), address=API).json
    assert "身份证" in answer["heard"]["text"]
    assert answer["search"]["understood"]["division"] == "230102"


def test_the_answer_obeys_its_description(client: LintingClient) -> None:
    description = client.json("/api/v1/openapi.json")
    schema = {"$ref": "#/components/schemas/VoiceAnswer", "components": description["components"]}
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(post(client, wav(SPOKEN)))
    validator.validate(post(client, wav(silence(1))))


def test_where_nothing_was_said_the_person_is_told_why_and_nothing_is_searched(client: LintingClient) -> None:
    for sound, said in ((silence(1), "静音"), (noise(1, "white"), "杂音")):
        answer = post(client, wav(sound))
        assert (answer["search"], answer["url"], answer["heard"]["alternatives"]) == (None, None, [])
        assert said in answer["message"]


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "audio_empty"),
        (b"no sound at all", 415, "audio_unreadable"),
        (bytes(MAX_BYTES + 1), 413, "audio_too_large"),
        (bytes(MAX_BYTES + 100_000), 413, "audio_too_large"),
    ],
    ids=["empty", "text", "too large", "much too large"],
)
def test_what_cannot_be_heard_is_refused_in_words(client: LintingClient, data: bytes, status: int, code: str) -> None:
    error = post(client, data, status)["error"]
    assert error["code"] == code
    assert error["message"].endswith("。")


def test_a_parameter_that_does_not_exist_is_refused_before_listening(client: LintingClient) -> None:
    assert post(client, wav(SPOKEN), 400, f"{API}?distrikt=x")["error"]["code"] == "unknown_parameter"
    assert post(client, wav(SPOKEN), 400, f"{API}?division=火星")["error"]["field"] == "division"


def test_who_comes_when_all_places_are_taken_is_asked_to_come_again(site: Flask) -> None:
    voice = site.extensions["banshi"].voice
    client = site.test_client()
    with voice.open(), voice.open():
        response = client.post(API, data=wav(SPOKEN), content_type="audio/wav")
        assert (response.status_code, response.json["error"]["code"]) == (503, "voice_busy")
        assert response.headers["Retry-After"] == "5"
        page = send(client, wav(SPOKEN))
        assert page.status_code == 503
        assert "用语音的人多" in page.text
    assert post(client, wav(SPOKEN))["search"]


def test_the_page_for_recordings_leads_to_the_results(client: LintingClient) -> None:
    page = client.page("/voice")
    assert [field.get("name") for field in page.all("input") if field.get("type") == "file"] == ["audio"]
    answer = send(client, wav(SPOKEN))
    assert answer.status_code == 303
    results = client.page(answer.headers["Location"])
    assert ID_CARD.name in results.text
    assert "听到的是" in results.text


def test_the_page_for_recordings_says_what_went_wrong(client: LintingClient) -> None:
    for data, status, said in ((wav(silence(1)), 422, "没有听到声音"), (b"nothing", 415, "不是能听的录音")):
        answer = send(client, data)
        assert answer.status_code == status
        assert said in answer.text


def test_another_site_cannot_send_recordings_in_a_visitors_name(client: LintingClient) -> None:
    assert send(client, wav(SPOKEN), Origin="http://elsewhere.example").status_code == 403
    assert send(client, wav(SPOKEN), Origin="http://localhost").status_code == 303


HEARD = ("1:身份正丢了", "0.8:身份证丢了", "0.1:护照丢了")


def results(client: LintingClient, *heard: str, status: int = 200) -> Page:
    readings = "".join(f"&heard={quote(reading)}" for reading in heard)
    return client.page(f"/search?q=身份正丢了&division=230102{readings}", status)


def test_what_was_heard_is_shown_with_other_ways_to_read_it(client: LintingClient) -> None:
    page = results(client, *HEARD)
    said = page.one("section", "heard")
    links = {link.text: link.get("href") for link in page.all("a", inside=said)}
    shown = page.one("strong", inside=said).text.strip("“”")
    assert set(links) | {shown} == {"身份正丢了", "身份证丢了", "护照丢了"}
    assert all("heard" not in address and "division=230102" in address for address in links.values())
    assert next(field.get("value") for field in page.all("input") if field.get("name") == "q") == shown


def test_words_typed_or_filters_chosen_afterwards_leave_what_was_heard_behind(client: LintingClient) -> None:
    fields = {field.get("name") for field in results(client, *HEARD).all("input")}
    assert "heard" not in fields
    typed = client.get("/search?q=身份证丢了&division=230102")
    assert "听到的是" not in typed.text


@pytest.mark.parametrize(
    "heard",
    ["x", "1", ":身份证", "0:身份证", "2:身份证", "nan:身份证", "-1:身份证", "1:" + "长" * 201],
)
def test_a_broken_list_of_readings_is_refused_in_words(client: LintingClient, heard: str) -> None:
    error = client.json(f"/api/v1/search?q=身份证&heard={quote(heard)}", 400)["error"]
    assert error["code"] in ("invalid_heard", "query_too_long")
    results(client, heard, status=400)


def test_readings_are_answered_over_the_api_too(client: LintingClient) -> None:
    answer = client.json(f"/api/v1/search?q=x&heard={quote('1:飞船')}&heard={quote('0.5:身份证丢了')}")
    assert answer["query"] == "身份证丢了"
    assert answer["results"][0]["item_code"] == ID_CARD.code


def test_spoken_queries_are_counted_without_their_words(client: LintingClient) -> None:
    post(client, wav(SPOKEN))
    figures = client.get("/metrics").text
    assert 'banshi_voice_queries_total{outcome="speech",way="upload"}' in figures
    assert "身份证" not in figures


def test_without_voice_there_is_no_trace_of_it(tmp_path: Path) -> None:
    client = open_site(indexed_folder(tmp_path), voice=False).test_client()
    assert "data-voice" not in client.get("/").text
    assert client.get("/voice").status_code == 404
    assert client.post(API, data=wav(SPOKEN)).status_code == 404
