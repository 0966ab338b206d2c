"""``python -m tests.screenshots FOLDER``: the pages of docs/screenshots, phone and desktop, from the sample catalogue.

What stands behind # is done on the page: open the first result, or type these words into the search box.
"""

from __future__ import annotations

import sys
from pathlib import Path

from banshi.settings import Settings
from tests.chromium import DESKTOP, PHONE, chromium, served

PAGES = {
    "home": "/",
    "suggestions": "/?division=230102#社保",
    "suggestions-initials": "/search?q=护照&division=230102#yyzz",
    "results": "/search?q=道里区身份证丢了怎么办",
    "results-aspect": "/search?q=开饭店要带什么材料&division=230103",
    "empty-results": "/search?q=护照&division=230102&department=烟草局",
    "misheard": "/search?q=营业只照&division=230102",
    "guess": "/search?q=养风证&division=230124",
    "elsewhere": "/search?q=买火车票",
    "heard": "/search?q=身份证掉了怎么补办&division=230102&heard=1:身份证掉了怎么补办&heard=0.6:身份证丢了怎么补办"
    "&heard=0.1:身份证丢了生活补办",
    "voice-upload": "/voice?division=230102",
    "guide": "/search?q=身份证丢了&division=230102#open-first",
    "guide-asks-district": "/search?q=身份证丢了#open-first",
    "division": "/divisions/230102",
    "divisions": "/divisions",
    "departments": "/departments",
    "themes": "/themes",
    "error": "/search?q=身份证&page=999",
}


def main(folder: Path) -> None:
    """Take them all."""
    folder.mkdir(parents=True, exist_ok=True)
    with served(Settings()) as site, chromium() as browser:
        for kind, (width, height) in {"desktop": DESKTOP, "phone": PHONE}.items():
            page = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN").new_page()
            for name, path in PAGES.items():
                address, _, action = path.partition("#")
                page.goto(site + address)
                if action == "open-first":
                    page.locator(".card-title a").first.click()
                    page.wait_for_load_state()
                elif action:
                    page.locator("#q").fill("")
                    page.locator("#q").press_sequentially(action)
                    page.get_by_role("option").first.wait_for()
                    page.keyboard.press("ArrowDown")
                page.screenshot(path=folder / f"{name}-{kind}.png", full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
