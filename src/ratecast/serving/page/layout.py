"""What all views have in common: the header, the look, and what is said while there is no view."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from nicegui.events import GenericEventArguments

from ratecast.serving.errors import Later, Refusal
from ratecast.serving.page.session import House, Visitor

View = Callable[[Visitor], Awaitable[None]]

SHEET = (Path(__file__).parent / "page.css").read_text("utf-8")
LOOKS = {"dark": True, "light": False}
LINKS = {"/": "Rate", "/user": "Users", "/map": "Map", "/models": "Models"}
LOOK_SECONDS = 0.5
STAR = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2.6l2.9 5.9 6.5.9-4.7 4.6 1.1 6.5-5.8-3.1-5.8 3.1 1.1-6.5L2.6 9.4l6.5-.9z"/></svg>'  # noqa: E501
MOON = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M20 14.6A8.5 8.5 0 0 1 9.4 4a8.5 8.5 0 1 0 10.6 10.6z"/></svg>'  # noqa: E501
TURN = """() => {
  const dark = !document.body.classList.contains("body--dark");
  const look = dark ? "dark" : "light";
  document.documentElement.style.colorScheme = look;
  document.cookie = `look=${look}; path=/; max-age=31536000; samesite=lax`;
  emit(dark);
}"""


async def show(house: House, view: View, here: str, title: str) -> None:
    """The frame, and the view in it: at once, or as soon as the model is ready."""
    ui.page_title(f"{title} · ratecast")
    with frame(here):
        if house.desk is not None:
            await _drawn(house, view)
            return
        place = ui.element("section").classes("column waiting").props('role="status"')
        with place:
            ui.spinner(size="2.5em")
            said("h1", "The model is being made ready")
            said("p", "It hears every rating that was given. This page goes on by itself.")

        async def look() -> None:
            if house.desk is not None:
                timer.cancel()
                place.clear()
                place.classes(remove="waiting")
                with place:
                    await _drawn(house, view)

        timer = ui.timer(LOOK_SECONDS, look)


async def _drawn(house: House, view: View) -> None:
    try:
        await view(await house.visitor())
    except Refusal as error:
        trouble(error)


def trouble(error: Refusal) -> None:
    """What is wrong, in place of a view."""
    if not ui.context.client.has_socket_connection:
        ui.status_code(error.status)
    with ui.element("section").classes("trouble"):
        said("h1", "Not now" if isinstance(error, Later) else "Not here")
        said("p", sentence(error))
        link("Back to the movies", "/").classes("button")


@contextmanager
def frame(here: str) -> Iterator[None]:
    """Header and main part of every page. here: which link is the present page's."""
    look = ui.context.client.request.cookies.get("look")
    if look in LOOKS:
        ui.add_head_html(f"<style>:root {{ color-scheme: {look}; }}</style>")
    dark = ui.dark_mode(LOOKS.get(look or ""))
    ui.on_exception(_sorry)
    # Quasar's page is a <main>: the header goes before it.
    layout = ui.context.client.layout
    with layout:
        _header(here, dark).move(layout, 0)
        said("a", "Skip to the content").props('href="#main"').classes("skip").move(layout, 0)
    with ui.element("div").classes("main").props('id="main" tabindex="-1"'):
        yield


def _header(here: str, dark: ui.dark_mode) -> ui.element:
    with ui.element("header").classes("top") as header:
        with link("", "/").classes("brand").props('aria-label="ratecast, first page"'):
            ui.html(STAR, sanitize=False, tag="span")
            said("span", "ratecast")
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


class Words(TextElement):
    """An element of any tag with a text, which is never read as HTML."""

    def __init__(self, tag: str, text: str) -> None:
        super().__init__(tag=tag, text=text)


def said(tag: str, text: str) -> Words:
    """An element of that tag with a text."""
    return Words(tag, text)


def link(text: str, path: str) -> Words:
    """A link to a page of ours."""
    made = Words("a", text)
    made.props["href"] = path
    return made


def button(text: str, press: Callable[[], object], quiet: bool = True) -> Words:
    """A button; a quiet one is for what is not the point of the view."""
    made = said("button", text).props('type="button"').classes("quiet" if quiet else "button")
    made.on("click", lambda _: press(), args=[])
    return made


def warn(error: Refusal) -> None:
    """One line that says what could not be done."""
    ui.notify(sentence(error), type="negative", position="bottom")


def sentence(error: Refusal) -> str:
    """What is wrong, as it stands on the page."""
    return f"{error.detail[:1].upper()}{error.detail[1:]}."


def _sorry(error: Exception) -> None:
    if isinstance(error, Refusal):
        warn(error)
    else:
        ui.notify("That went wrong here, and is in the log. Reload the page.", type="negative")
