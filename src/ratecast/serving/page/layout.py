"""Common parts of all views: header, light and dark, error messages, small elements."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from nicegui.events import GenericEventArguments

from ratecast.serving.errors import RequestError, UnavailableError
from ratecast.serving.item_words import ItemWord
from ratecast.serving.page.session import PageContext, Visitor
from ratecast.visible_text import one_line

View = Callable[[Visitor], Awaitable[None]]

SHEET = (Path(__file__).parent / "page.css").read_text("utf-8")
LOOKS = {"dark": True, "light": False}
LINKS = {
    "/": "Rate",
    "/import": "My export",
    "/together": "Together",
    "/user": "Users",
    "/map": "Map",
    "/models": "Models",
}
POLL_SECONDS = 0.5
STAR = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2.6l2.9 5.9 6.5.9-4.7 4.6 1.1 6.5-5.8-3.1-5.8 3.1 1.1-6.5L2.6 9.4l6.5-.9z"/></svg>'  # noqa: E501
MOON = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M20 14.6A8.5 8.5 0 0 1 9.4 4a8.5 8.5 0 1 0 10.6 10.6z"/></svg>'  # noqa: E501
TURN = """() => {
  const dark = !document.body.classList.contains("body--dark");
  const look = dark ? "dark" : "light";
  document.documentElement.style.colorScheme = look;
  const secure = location.protocol === "https:" ? "; secure" : "";
  const path = window.path_prefix || "/";
  document.cookie = `look=${look}; path=${path}; max-age=31536000; samesite=lax${secure}`;
  emit(dark);
}"""


async def show(context: PageContext, view: View, here: str, title: str) -> None:
    """Show the header and the view; the view waits until the model is loaded."""
    ui.page_title(f"{title} · ratecast")
    with frame(here):
        if context.service is not None:
            await _draw(context, view)
            return
        place = ui.element("section").classes("column waiting").props('role="status"')
        with place:
            ui.spinner(size="2.5em")
            element("h1", "The model is loading")
            element("p", "It is updated with all ratings. This page continues on its own.")

        async def poll() -> None:
            if context.service is not None:
                timer.cancel()
                place.clear()
                place.classes(remove="waiting")
                with place:
                    await _draw(context, view)

        timer = ui.timer(POLL_SECONDS, poll)


async def _draw(context: PageContext, view: View) -> None:
    try:
        await view(await context.visitor())
    except RequestError as error:
        trouble(error, context.items)


def trouble(error: RequestError, items: ItemWord) -> None:
    """The error, in place of a view."""
    if not ui.context.client.has_socket_connection:
        ui.status_code(error.status)
    with ui.element("section").classes("trouble"):
        element("h1", "Not available now" if isinstance(error, UnavailableError) else "Not found")
        element("p", items.worded(sentence(error)))
        link(f"Back to the {items.many}", "/").classes("button")


@contextmanager
def frame(here: str) -> Iterator[None]:
    """Header and main part of a page. here: the path of the current page."""
    look = ui.context.client.request.cookies.get("look")
    if look in LOOKS:
        ui.add_head_html(f"<style>:root {{ color-scheme: {look}; }}</style>")
    dark = ui.dark_mode(LOOKS.get(look or ""))
    ui.on_exception(_notify_error)
    # Quasar's page is a <main>, so the header must come before it.
    layout = ui.context.client.layout
    with layout:
        _header(here, dark).move(layout, 0)
        element("a", "Skip to the content").props('href="#main"').classes("skip").move(layout, 0)
    with ui.element("div").classes("main").props('id="main" tabindex="-1"'):
        yield


def _header(here: str, dark: ui.dark_mode) -> ui.element:
    with ui.element("header").classes("top") as header:
        with link("", "/").classes("brand").props('aria-label="ratecast, home"'):
            ui.html(STAR, sanitize=False, tag="span")
            element("span", "ratecast")
        with ui.element("nav").props('aria-label="Pages"'):
            for path, name in LINKS.items():
                place = link(name, path)
                if path == here:
                    place.props('aria-current="page"')
        with ui.element("button").classes("look") as turn:
            ui.html(MOON, sanitize=False, tag="span")
    turn.props('aria-label="Light or dark" type="button"')

    def turned(event: GenericEventArguments) -> None:
        dark.value = bool(event.args)

    turn.on("click", turned, js_handler=TURN)
    return header


class Element(TextElement):
    """An HTML element with a text; the text is escaped."""

    def __init__(self, tag: str, text: str) -> None:
        super().__init__(tag=tag, text=one_line(text))


def element(tag: str, text: str) -> Element:
    """An HTML element of this tag with a text; the text is escaped."""
    return Element(tag, text)


def link(text: str, path: str) -> Element:
    """A link to another view, or to a part of this one. path: without the root path."""
    anchor = Element("a", text)
    root = ui.context.client.request.scope.get("root_path", "")
    anchor.props["href"] = root + path if path.startswith("/") else path
    return anchor


def button(text: str, press: Callable[[], object], quiet: bool = True) -> Element:
    """A button; quiet for secondary actions."""
    created = element("button", text).props('type="button"').classes("quiet" if quiet else "button")
    created.on("click", lambda _: press(), args=[])
    return created


def warn(error: RequestError) -> None:
    """Show the error in a notification."""
    ui.notify(sentence(error), type="negative", position="bottom")


def sentence(error: RequestError) -> str:
    """The error as a sentence."""
    return f"{error.detail[:1].upper()}{error.detail[1:]}."


def _notify_error(error: Exception) -> None:
    if isinstance(error, RequestError):
        warn(error)
    else:
        ui.notify("An error occurred and was logged. Reload the page.", type="negative")
