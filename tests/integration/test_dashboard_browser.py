"""The dashboard's page in a headless Chromium: in each state, on a phone and on a desk, light and dark.

Screenshots are left in test-logs/dashboard beside the build."""

import itertools
import pathlib

import pytest

from harness import pool_states
from harness import proxy as proxies
from harness.browser import Browser, program
from harness.waiting import until

pytestmark = [
    pytest.mark.own,
    pytest.mark.skipif(program() is None, reason="needs Debian's chromium (deploy/install-packages.sh test)"),
]

SIZES = {"phone": (360, 740), "desktop": (1280, 900)}
SCHEMES = ("light", "dark")
CARD = """[...document.querySelectorAll(".pool")].find((card) => card.querySelector("h2").textContent === "app for app")"""


@pytest.fixture(scope="module")
def browser():
    made = Browser()
    yield made
    made.close()


@pytest.fixture
def open_page(browser):
    """Factory: the page of a proxy, which must have complained of nothing when the test is over."""
    pages = []

    def factory(proxy):
        page = browser.page()
        pages.append(page)
        page.open(f"http://{proxy.host}:{proxy.admin_port}/")
        page.until("document.querySelectorAll('.pool').length > 0", "the pools are shown")
        return page

    yield factory
    complaints = [complaint for page in pages for complaint in page.complaints()]
    for page in pages:
        page.close()
    assert complaints == []


def pictures():
    return pathlib.Path(proxies.binary()).parent / "test-logs" / "dashboard"


def text_of(page, selector):
    return page.value(f"({CARD}).querySelector({selector!r}).textContent")


def look_at(page, name):
    """The page as it is now fits everywhere and can be read; a picture of each way to see it."""
    for (size, (width, height)), scheme in itertools.product(SIZES.items(), SCHEMES):
        page.show_as(width, height, scheme)
        assert page.value("document.documentElement.scrollWidth") <= width
        assert page.value(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
        assert page.value(STICKING_OUT) == [], f"{name}, {size}"
        faint = page.value(FAINT_TEXTS)
        assert faint == [], f"{name}, {size}, {scheme}"
        page.screenshot(pictures() / f"{name}-{size}-{scheme}.png")


# What is wider than the card that it is in.
STICKING_OUT = """[...document.querySelectorAll(".pool")].flatMap((card) => [...card.querySelectorAll("*")].filter((node) =>
  node.checkVisibility() && node.getBoundingClientRect().right > card.getBoundingClientRect().right - 8
).map((node) => node.outerHTML.slice(0, 80)))"""

# Texts whose contrast to what is behind them is below 4.5 to 1 (WCAG 2.2, 1.4.3).
FAINT_TEXTS = """(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = color.map((c) => (c /= 255, c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const color = numbers(getComputedStyle(node).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const shown = [...document.querySelectorAll("body *")].filter((node) => node.checkVisibility() &&
    [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.textContent.trim()));
  if (shown.length < 10) return ["hardly any text"];
  return shown.filter((node) => {
    const [a, b] = [light(numbers(getComputedStyle(node).color).slice(0, 3)), light(behind(node))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
  }).map((node) => node.className + ": " + node.textContent);
})()"""


def test_idle(start, open_page):
    proxy = start(max_size=pool_states.MAX_SIZE)
    with pool_states.idle(proxy):
        page = open_page(proxy)
        page.until(f"({CARD}).querySelector('.diagnosis').textContent === 'idle: 1 client is connected, none at work'",
                   "the state is named")
        assert text_of(page, ".badge") == "idle"
        assert page.value("document.getElementById('verdict').textContent") == "all 4 pools are well"
        assert page.value("document.getElementById('contact').hidden")
        look_at(page, "idle")


def test_burst(start, open_page):
    proxy = start(max_size=pool_states.MAX_SIZE)
    with pool_states.burst(proxy):
        page = open_page(proxy)
        page.until(f"({CARD}).querySelector('.badge').textContent === 'burst'", "the state is named")
        # The chart has a line as soon as two samples have been taken.
        page.until(f"({CARD}).querySelector('path.wait').getAttribute('d').length > 20", "the chart has come")
        assert text_of(page, ".diagnosis").startswith("waiting: all 3 server connections are lent out")
        look_at(page, "burst")


def test_saturated(start, open_page):
    proxy = start(max_size=pool_states.MAX_SIZE)
    with pool_states.saturated(proxy):
        page = open_page(proxy)
        page.until(f"({CARD}).querySelector('.badge').textContent === 'saturated'", "the state is named")
        assert "1 of them pinned by advisory_lock" in text_of(page, ".diagnosis")
        assert page.value("document.getElementById('verdict').textContent") == "app for app: saturated, 5 clients wait"
        assert page.value("document.querySelector('.pool') === " + CARD), "the pool that waits is the first"
        assert "an advisory lock" in text_of(page, "table.pins")
        look_at(page, "saturated")


def test_database_down(start, cluster, open_page):
    proxy = start(max_size=pool_states.MAX_SIZE)
    page = open_page(proxy)
    with pool_states.down(proxy, cluster):
        page.until(f"({CARD}).querySelector('.badge').textContent === 'down'", "the state is named")
        assert text_of(page, ".diagnosis").startswith("the server cannot be reached since ")
        look_at(page, "down")


def test_the_page_says_that_pgweir_is_gone_and_goes_on_when_it_is_back(start, browser):
    proxy = start(max_size=1)
    page = browser.page()
    page.open(f"http://{proxy.host}:{proxy.admin_port}/")
    page.until("document.querySelectorAll('.pool').length > 0", "the pools are shown")
    proxy.stop()
    contact = "document.getElementById('contact')"
    page.until(f"!{contact}.hidden", "the page has noticed")
    text = page.value(f"{contact}.textContent")
    assert text.startswith("cannot reach pgweir since ") and text.endswith(" UTC")
    assert page.value("document.body.classList.contains('stale')")
    page.show_as(*SIZES["phone"], "light")
    page.screenshot(pictures() / "gone-phone-light.png")
    proxy.start()
    page.until(f"{contact}.hidden && !document.body.classList.contains('stale')", "it goes on")
    page.close()


def test_names_that_clients_make_up_stay_text(start, cluster, open_page):
    """A client chooses the name of its database where "*" is configured."""
    name = '"><img src=x onerror="console.error(1)"><script>console.error(2)</script>'
    proxy = start(max_size=1, changes={"databases": {"*": {"host": cluster.host, "port": cluster.port}}})
    with pytest.raises(AssertionError):
        proxy.wire(database=name)
    until(lambda: any(pool["database"] == name for pool in pool_states.state(proxy)["pools"]), "the pool is there")
    page = open_page(proxy)
    page.until("document.body.textContent.includes('<img src=x onerror=')", "the name is shown as it is")
    assert page.value("document.querySelectorAll('img, main script').length") == 0
    page.show_as(*SIZES["phone"], "light")
    assert page.value("document.documentElement.scrollWidth") <= 360
