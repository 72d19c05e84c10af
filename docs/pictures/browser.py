"""The browser for screenshots and tests of pages: Chromium, as packaged by Debian."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from ratecast.errors import InputError

PLAIN = ("--no-sandbox", "--disable-gpu")
# WebGL without a graphics card, for TensorBoard's projector.
WEBGL = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
MISSING = "no Chromium: apt-get install chromium, or set CHROMIUM"


def chromium_path() -> str | None:
    """Path from CHROMIUM, or of the browser on PATH; None if there is none."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")


def chromium() -> str:
    """The browser's path. Raises `InputError` if there is none."""
    path = chromium_path()
    if not path:
        raise InputError(f"pictures: {MISSING}")
    return path


@contextmanager
def opened(flags: Sequence[str] = PLAIN) -> Iterator[Browser]:
    """A headless browser, closed at the end. Raises `InputError` if there is none."""
    path = chromium()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=list(flags))
        try:
            yield browser
        finally:
            browser.close()
