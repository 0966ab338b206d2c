"""Speaking in a real browser, into a microphone that hears a file: from the button to the results, and all that fails."""

from __future__ import annotations

import io
import itertools
import math
import re
import struct
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from banshi.composition import Application
from tests.chromium import ALLOWED_MICROPHONE, DESKTOP, PHONE, launched, served, speaking
from tests.listener import BUSY, Listener, heard

pytestmark = pytest.mark.browser

BYTES_PER_SECOND = 32_000
BEGUN = re.compile("^身")
"""The first words of what the listener hears."""
NO_WORKLET = "delete window.AudioWorkletNode"
NO_RECORDER = "delete window.AudioWorkletNode; delete window.MediaRecorder"
COUNT_TRACKS = """
    window.tracks = [];
    window.asked = 0;
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wishes) => {
      window.asked += 1;
      const stream = await ask(wishes);
      window.tracks.push(...stream.getTracks());
      return stream;
    };
    window.contexts = [];
    window.AudioContext = class extends AudioContext {
      constructor(...wishes) { super(...wishes); window.contexts.push(this); }
    };
"""
RELEASED = """() => tracks.length > 0 && tracks.every((track) => track.readyState === "ended")
    && contexts.every((context) => context.state === "closed")"""


def recording(path: Path, *, seconds: float = 2.0, hertz: float = 440.0) -> Path:
    """A tone and a silence after it, as a WAV file of 48 kHz."""
    samples = [round(16_000 * math.sin(2 * math.pi * hertz * n / 48_000)) for n in range(round(seconds * 48_000))]
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples) + b"\x00" * 96_000 * 3)
    return path


@pytest.fixture
def listener() -> Listener:
    """Who listens; hears enough after a second and a half."""
    return Listener(over_after=BYTES_PER_SECOND * 3 // 2)


@pytest.fixture
def site(sample: Application, listener: Listener) -> Iterator[str]:
    with served(sample.settings, listener) as address:
        yield address


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recording(tmp_path_factory.mktemp("sound") / "tone.wav")


@pytest.fixture
def microphone(playwright: Playwright, tone: Path) -> Iterator[Browser]:
    """A browser with a microphone that hears the tone, from the beginning for every browser."""
    with launched(playwright, *ALLOWED_MICROPHONE, speaking(tone)) as browser:
        yield browser


@pytest.fixture
def deaf(playwright: Playwright) -> Iterator[Browser]:
    """A browser on a machine without a microphone."""
    with launched(playwright, "--use-fake-ui-for-media-stream") as browser:
        yield browser


def open_page(browser: Browser, address: str, script: str = "", *, phone: bool = False) -> Page:
    """A page, after a script that runs before its own. Closed with its browser."""
    width, height = PHONE if phone else DESKTOP
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
    if script:
        context.add_init_script(script)
    page = context.new_page()
    page.goto(address)
    return page


def button(page: Page) -> Any:
    return page.get_by_role("button", name="说一说")


def trouble(page: Page) -> Any:
    return page.locator(".voice-trouble")


@pytest.mark.parametrize("phone", [True, False])
def test_what_is_said_is_heard_and_leads_to_its_results(
    site: str, microphone: Browser, listener: Listener, phone: bool
) -> None:
    page = open_page(microphone, f"{site}/?division=230102", COUNT_TRACKS, phone=phone)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    button(page).click()
    expect(page.get_by_text("正在听，请说话")).to_be_visible()
    expect(button(page)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#q")).to_have_value(BEGUN)
    page.wait_for_url("**/search?**")
    assert "division=230102" in page.url
    expect(page.locator(".heard")).to_contain_text("听到的是“身份证丢了”，找到")
    expect(page.locator(".heard [role=status]")).to_contain_text("项")
    expect(page.locator("#q")).to_have_value("身份证丢了")
    expect(page.locator(".card").first).to_contain_text("居民身份证补领")
    page.get_by_role("link", name="身份证掉了").click()
    expect(page.locator("#q")).to_have_value("身份证掉了")
    expect(page.locator(".heard")).to_have_count(0)
    assert listener.open_streams == 0
    assert problems == []


def test_the_sound_arrives_as_it_was_made(site: str, microphone: Browser, listener: Listener) -> None:
    """440 Hz stay 440 Hz at 16 kHz: nothing is reversed, dropped, repeated or left at another rate."""
    page = open_page(microphone, site)
    button(page).click()
    page.wait_for_url("**/search?**")
    samples = struct.unpack(f"<{len(listener.received) // 2}h", listener.received)
    middle = samples[8_000:20_000]
    assert max(middle) > 1_000, "the tone is loud"
    rises = [n for n in range(1, len(middle)) if middle[n - 1] < 0 <= middle[n]]
    periods = [later - earlier for earlier, later in itertools.pairwise(rises)]
    assert all(abs(period - 16_000 / 440) <= 2 for period in periods), periods


def test_pressed_again_it_stops_and_looks_for_what_was_said(site: str, microphone: Browser, listener: Listener) -> None:
    listener.over_after = 1_000_000_000
    page = open_page(microphone, site, COUNT_TRACKS)
    button(page).click()
    expect(page.locator("#q")).to_have_value(BEGUN)
    button(page).click()
    page.wait_for_url("**/search?**")
    assert listener.finished == 1


def test_escape_takes_it_back_and_closes_everything(site: str, microphone: Browser, listener: Listener) -> None:
    listener.over_after = 1_000_000_000
    page = open_page(microphone, site, COUNT_TRACKS)
    page.locator("#q").fill("护照")
    button(page).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#q")).to_have_value(BEGUN)
    page.keyboard.press("Escape")
    expect(page.locator("#q")).to_have_value("护照")
    expect(button(page)).to_have_attribute("aria-pressed", "false")
    expect(button(page)).to_be_focused()
    page.wait_for_function(RELEASED)
    assert page.evaluate("asked") == 1
    assert listener.finished == 0


def test_after_it_was_taken_back_by_a_finger_one_may_speak_again(
    site: str, microphone: Browser, listener: Listener
) -> None:
    listener.over_after = 1_000_000_000
    page = open_page(microphone, site, COUNT_TRACKS, phone=True)
    for _ in range(2):
        button(page).click()
        expect(page.locator("#q")).to_have_value(BEGUN)
        page.get_by_role("button", name="取消").click()
        expect(page.locator("#q")).to_have_value("")
        expect(page.get_by_role("button", name="取消")).to_be_hidden()
        page.wait_for_function(RELEASED)
    assert listener.finished == 0


@pytest.mark.parametrize(
    ("condition", "clipped", "words"),
    [("speech", False, "没有听懂"), ("silence", False, "没有听到声音"), ("quiet", False, "声音太小"),
     ("noise", False, "只听到杂音"), ("speech", True, "声音太大")],
)  # fmt: skip
def test_nothing_understood_is_told_on_the_spot(
    site: str, microphone: Browser, listener: Listener, condition: Any, clipped: bool, words: str
) -> None:
    listener.heard = heard(condition=condition, clipped=clipped)
    page = open_page(microphone, site, COUNT_TRACKS)
    button(page).click()
    expect(trouble(page)).to_contain_text(words)
    expect(trouble(page)).to_have_attribute("role", "alert")
    expect(trouble(page).get_by_role("link", name="上传录音")).to_be_visible()
    page.wait_for_function(RELEASED)


def test_a_busy_server_says_so(site: str, microphone: Browser, listener: Listener) -> None:
    listener.error = BUSY
    page = open_page(microphone, site, COUNT_TRACKS)
    button(page).click()
    expect(trouble(page)).to_contain_text(str(BUSY))
    page.wait_for_function(RELEASED)


def test_a_connection_lost_in_the_middle_is_told_and_what_was_said_can_still_be_sent(
    site: str, microphone: Browser, listener: Listener
) -> None:
    listener.over_after = 1_000_000_000
    cut = """const Real = WebSocket;
        window.WebSocket = class extends Real {
          constructor(url) { super(url); setTimeout(() => this.close(), 1000); }
        };"""
    page = open_page(microphone, site, COUNT_TRACKS + cut)
    button(page).click()
    expect(trouble(page)).to_contain_text("连接断开了")
    page.wait_for_function(RELEASED)
    assert listener.finished == 0
    page.get_by_role("button", name="发送刚才说的").click()
    page.wait_for_url("**/search?**")
    with wave.open(io.BytesIO(listener.received)) as sent:
        assert (sent.getframerate(), sent.getnchannels(), sent.getsampwidth()) == (16_000, 1, 2)
        assert sent.getnframes() >= 1_600


def test_permission_refused_tells_how_to_give_it(site: str, playwright: Playwright) -> None:
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny")
    with launched(playwright, *flags) as browser:
        page = open_page(browser, site)
        button(page).click()
        expect(trouble(page)).to_contain_text("把“麦克风”改为“允许”")


def test_without_a_microphone_it_says_so(site: str, deaf: Browser) -> None:
    page = open_page(deaf, site)
    button(page).click()
    expect(trouble(page)).to_contain_text("没有找到话筒")


def test_on_an_address_that_is_not_https_it_says_so(site: str, playwright: Playwright) -> None:
    with launched(playwright, "--host-resolver-rules=MAP banshi.example 127.0.0.1") as browser:
        page = open_page(browser, site.replace("127.0.0.1", "banshi.example"))
        button(page).click()
        expect(trouble(page)).to_contain_text("不是 https 开头")


def test_without_a_worklet_it_records_and_sends(site: str, microphone: Browser, listener: Listener) -> None:
    page = open_page(microphone, f"{site}/?division=230102", NO_WORKLET)
    button(page).click()
    expect(page.get_by_text("正在录音，请说话")).to_be_visible()
    page.wait_for_timeout(500)
    button(page).click()
    page.wait_for_url("**/search?**")
    assert "division=230102" in page.url
    assert listener.received[:4] == b"\x1a\x45\xdf\xa3", "WebM"
    expect(page.locator(".heard")).to_contain_text("身份证丢了")


def test_where_no_websocket_comes_about_it_records_and_sends(
    site: str, microphone: Browser, listener: Listener
) -> None:
    elsewhere = """const Real = WebSocket;
        window.WebSocket = class extends Real {
          constructor() { super(`ws://${location.host}/nowhere`); }
        };"""
    page = open_page(microphone, site, COUNT_TRACKS + elsewhere)
    button(page).click()
    expect(page.get_by_text("正在录音，请说话")).to_be_visible()
    button(page).click()
    page.wait_for_url("**/search?**")
    assert page.context.pages[0].locator(".heard").count() == 1


def test_a_recording_refused_is_told_on_the_spot(site: str, microphone: Browser, listener: Listener) -> None:
    listener.error = BUSY
    page = open_page(microphone, site, COUNT_TRACKS + NO_WORKLET)
    button(page).click()
    expect(page.get_by_text("正在录音，请说话")).to_be_visible()
    button(page).click()
    expect(trouble(page)).to_contain_text(str(BUSY))
    page.wait_for_function(RELEASED)


def test_a_browser_that_cannot_record_says_so(site: str, microphone: Browser) -> None:
    page = open_page(microphone, site, NO_RECORDER)
    button(page).click()
    expect(trouble(page)).to_contain_text("这个浏览器不能在网页上录音")


def test_with_its_button_the_home_page_is_still_light_and_fits_a_phone(
    site: str, browser: Browser, listener: Listener
) -> None:
    page = open_page(browser, f"{site}/voice", phone=True)
    for path in ("/", "/search?q=身份证丢了&heard=0.6:身份证丢了&heard=0.4:身份证掉了要到哪里去办什么手续才能补"):
        sizes: list[int] = []
        page.on("response", lambda response, sizes=sizes: sizes.append(len(response.body())))
        page.goto(site + path, wait_until="networkidle")
        assert sum(sizes) <= 120_000
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        for target in page.locator(".voice-button, .heard a").all():
            box = target.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 43.5
    page.context.close()


def test_without_javascript_a_recording_can_be_sent(
    site: str, browser: Browser, listener: Listener, tone: Path
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/?division=230102")
    page.get_by_role("link", name="上传录音").click()
    page.get_by_label("录音文件").set_input_files(tone)
    page.get_by_role("button", name="听这段录音").click()
    expect(page.locator(".heard")).to_contain_text("身份证丢了")
    assert "division=230102" in page.url
    assert listener.received[:4] == b"RIFF"
    context.close()


RESAMPLE = """async ([module, rate, hertz]) => {
    const context = new OfflineAudioContext(1, rate * 2, rate);
    await context.audioWorklet.addModule(module);
    const node = new AudioWorkletNode(context, "microphone");
    const blocks = [];
    node.port.onmessage = ({ data }) => blocks.push(...new Int16Array(data));
    const tone = new OscillatorNode(context, { frequency: hertz });
    tone.connect(node).connect(context.destination);
    tone.start();
    await context.startRendering();
    await new Promise((resolve) => setTimeout(resolve, 200));
    return blocks;
}"""


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000, 96_000])
def test_sound_is_brought_to_16_khz_without_false_tones(site: str, browser: Browser, rate: int) -> None:
    """A tone stays what it is, to a hundredth; one that 16 kHz cannot hold disappears instead of coming back low."""
    page = open_page(browser, site)
    module = microphone_module(page)
    kept = page.evaluate(RESAMPLE, [module, rate, 1_000])
    assert abs(len(kept) - 32_000) <= 1_600
    inner = range(4_000, 28_000)
    sine = sum(kept[n] * math.sin(2 * math.pi * 1_000 * n / 16_000) for n in inner) / len(inner)
    cosine = sum(kept[n] * math.cos(2 * math.pi * 1_000 * n / 16_000) for n in inner) / len(inner)
    amplitude = 2 * math.hypot(sine, cosine)
    assert abs(amplitude / 32_767 - 1) < 0.02
    power = sum(kept[n] ** 2 for n in inner) / len(inner)
    assert abs(power / (amplitude**2 / 2) - 1) < 0.001, "nothing but the tone"
    if rate > 22_050:
        gone = page.evaluate(RESAMPLE, [module, rate, 12_000])
        assert max(map(abs, gone[4_000:28_000])) < 50, "less than a 600th"


def microphone_module(page: Page) -> str:
    """The address of the worklet, which the page has read out of its link."""
    return page.evaluate(
        '() => fetch(location.href).then((r) => r.text()).then((t) => t.match(/data-microphone="([^"]+)/)[1])'
    )
