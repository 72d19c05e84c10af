"""The browser that pages are photographed and tested with: Chromium, as Debian packages it."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from ratecast.errors import InputError

PLAIN = ("--no-sandbox", "--disable-gpu")
# Drawing without a graphics card what needs WebGL: TensorBoard's projector.
DRAWN = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
MISSING = "no Chromium: apt-get install chromium, or set CHROMIUM"


def found() -> str | None:
    """Where it is: CHROMIUM says so, else the one on the path; None where there is none."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")


def chromium() -> str:
    """The browser's path. Raises `InputError` where there is none."""
    path = found()
    if not path:
        raise InputError(f"pictures: {MISSING}")
    return path


@contextmanager
def opened(flags: Sequence[str] = PLAIN) -> Iterator[Browser]:
    """A browser without a window, closed at the end. Raises `InputError` where there is none."""
    path = chromium()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=list(flags))
        try:
            yield browser
        finally:
            browser.close()
