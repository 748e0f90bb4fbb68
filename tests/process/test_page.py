"""The page of `metrics-port`, in a headless Chromium: what it shows, to whom, and what it asks for.

The screenshots are left in build/screenshots, to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from tests.process.browser import CHROMIUM, Browser
from tests.process.conftest import Start
from tests.process.test_metrics import Served

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt-get install chromium)"),
]


@pytest.fixture
def browser() -> Iterator[Browser]:
    made = Browser()
    yield made
    made.close()


def fill(client: redis.Redis) -> None:
    """Some of everything, with names that would be scripts if they were written as HTML."""
    client.config_set("slowlog-log-slower-than", 0)
    client.delete("orders")
    for n in range(200):
        client.set(f"page:{n}", "x" * n)
        client.get(f"page:{n * 2}")
    client.set("<img src=x onerror=document.title='broken'>", "v" * 5000)
    client.zadd("leaders", {f"player{n}": n for n in range(1000)})
    for n in range(50):
        client.xadd("orders", {"n": n})
    client.xgroup_create("orders", "<b>billing</b>", "0")
    client.xreadgroup("<b>billing</b>", "worker", {"orders": ">"}, count=20)


def text_of(browser: Browser, id: str) -> str:
    found: str = browser.value(f"document.getElementById('{id}').textContent")
    return found


def test_the_page_shows_what_the_server_does(start: Start, browser: Browser) -> None:
    served = Served(start, "--hotkey-sampling-ratio", "100", "--hotkey-window-seconds", "1")
    fill(served.redis)
    browser.size(1280, 900)
    browser.scheme("light")
    browser.open(f"http://127.0.0.1:{served.http}/")
    browser.until("document.querySelectorAll('#types tbody tr').length === 3")
    for _ in range(5):
        fill(served.redis)
    browser.until("/string [1-9]/.test(document.querySelector('#ops svg').getAttribute('aria-label'))")
    browser.until("/p50 [1-9]/.test(document.querySelector('#latency svg').getAttribute('aria-label'))")
    browser.until("document.getElementById('streams').textContent.includes('billing')")
    assert "<b>billing</b>3020" in text_of(browser, "streams")
    assert "<img src=x" in text_of(browser, "large")
    assert "leaders" in text_of(browser, "large")
    assert "XREADGROUP" in text_of(browser, "slow")
    assert "All keys" in text_of(browser, "types-note")
    browser.until("document.getElementById('hot').textContent.includes('orders')")
    assert browser.value("document.title") == "redpoll"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    browser.picture(SCREENSHOTS / "light.png")
    light = browser.value("getComputedStyle(document.body).backgroundColor")
    browser.scheme("dark")
    assert browser.value("getComputedStyle(document.body).backgroundColor") != light
    browser.picture(SCREENSHOTS / "dark.png")
    assert browser.complaints() == []
    assert {address.split("/")[2] for address in browser.requested()} == {f"127.0.0.1:{served.http}"}


@pytest.mark.parametrize("width", [320, 390, 820])
def test_the_page_fits_narrow_screens(start: Start, browser: Browser, width: int) -> None:
    served = Served(start)
    fill(served.redis)
    browser.size(width, 800, mobile=True)
    browser.open(f"http://127.0.0.1:{served.http}/")
    browser.until("document.querySelectorAll('#slow tbody tr').length > 3")
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("document.getElementById('pause').offsetHeight") >= 40
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    browser.picture(SCREENSHOTS / f"width-{width}.png")


def test_the_page_is_used_by_the_keyboard_and_read_aloud(start: Start, browser: Browser) -> None:
    served = Served(start)
    fill(served.redis)
    browser.open(f"http://127.0.0.1:{served.http}/")
    browser.until("document.querySelectorAll('#types tbody tr').length === 3")
    browser.press("Tab")
    assert browser.value("document.activeElement.textContent") == "Skip to the charts"
    browser.press("Tab")
    assert browser.value("document.activeElement.id") == "pause"
    browser.press("Enter", "\r")
    assert browser.value("document.activeElement.getAttribute('aria-pressed')") == "true"
    browser.press("p", "p")
    assert browser.value("document.activeElement.getAttribute('aria-pressed')") == "false"
    reached = []
    for _ in range(7):
        browser.press("Tab")
        reached.append(
            browser.value("document.activeElement.getAttribute('aria-labelledby') || document.activeElement.href")
        )
    assert reached[:5] == [f"{name}-title" for name in ("types", "large", "hot", "streams", "slow")]
    assert reached[5].endswith("/metrics")
    unnamed = """[...document.querySelectorAll('section, svg[role=img], table, button, [tabindex="0"]')].filter(
        (found) => !found.getAttribute('aria-label') && !found.getAttribute('aria-labelledby') && !found.textContent).length"""
    assert browser.value(unnamed) == 0
    headings = browser.value("[...document.querySelectorAll('h1, h2')].map((found) => found.tagName).join(' ')")
    assert headings == " ".join(["H1", *["H2"] * 11])


def test_the_page_tells_that_the_server_has_gone(start: Start, browser: Browser) -> None:
    served = Served(start)
    browser.open(f"http://127.0.0.1:{served.http}/")
    browser.until("document.getElementById('state').textContent.startsWith('Version')")
    served.server.close()
    browser.until("document.getElementById('state').textContent.startsWith('No answer')")


def test_a_page_of_another_site_reads_nothing(start: Start, browser: Browser) -> None:
    """`localhost` and `127.0.0.1` are different sites to a browser."""
    served = Served(start)
    browser.open(f"http://localhost:{served.http}/icon.svg")
    script = f"""fetch('http://127.0.0.1:{served.http}/data.json', {{mode: '%s'}}).then(
        (found) => found.type + found.status, (failure) => 'failed')"""
    assert browser.value(script % "cors") == "failed"
    assert browser.value(script % "no-cors") == "failed"
    assert browser.value("fetch('/data.json').then((found) => found.status, (failure) => 'failed')") in (200, "failed")


def test_the_page_works_behind_a_password(start: Start, browser: Browser) -> None:
    served = Served(start, "--requirepass", "secret")
    browser.open(f"http://default:secret@127.0.0.1:{served.http}/")
    browser.until("document.getElementById('state').textContent.startsWith('Version')")
    assert browser.complaints() == []
