"""The whole way on the real model: a person speaks into a real browser, and a real worker leads them to the guide."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.chromium import ALLOWED_MICROPHONE, DESKTOP, launched, speaking
from tests.voice.speaking import silence, speak, wav

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("said", "title"), [("身份证丢了怎么补办", "居民身份证补领"), ("申请低保", "最低生活保障对象认定")]
)
def test_spoken_words_lead_to_the_right_guide(
    served_sample: str, playwright: Playwright, tmp_path: Path, said: str, title: str
) -> None:
    microphone = tmp_path / "said.wav"
    # The browser evens out loudness, and needs a second to find the right one.
    microphone.write_bytes(wav(silence(1) + speak(said, speed=180) + silence(4)))
    width, height = DESKTOP
    with launched(playwright, *ALLOWED_MICROPHONE, speaking(microphone)) as browser:
        page = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN").new_page()
        page.goto(f"{served_sample}/?division=230102")
        page.get_by_role("button", name="说一说").click()
        page.wait_for_url("**/search?**", timeout=60_000)
        expect(page.get_by_text("听到的是")).to_be_visible()
        expect(page.locator(".card-title").first).to_contain_text(title)
        page.locator(".card-title a").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(title)
