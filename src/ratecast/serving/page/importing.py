"""View that takes the export of a rating site, by drag and drop, and rates its movies."""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial

from nicegui import ui
from nicegui.events import MultiUploadEventArguments

from ratecast.errors import InputError
from ratecast.exports.changes import Changes
from ratecast.exports.export import TITLE, YEAR
from ratecast.exports.matches import MATCHED, UNMATCHED
from ratecast.exports.netflix import ProfileNeededError
from ratecast.exports.watchlist import is_watchlist
from ratecast.ids import Id
from ratecast.ratings import MOVIE, RATING
from ratecast.serving.errors import RequestError
from ratecast.serving.page.layout import button, element, link, sentence
from ratecast.serving.page.rating_card import facts, path
from ratecast.serving.page.session import Visitor
from ratecast.serving.page.stars import forecast
from ratecast.serving.page.token_gate import gate
from ratecast.serving.page.uploads import MOST_OFFERS, Uploaded, matched
from ratecast.serving.records import MovieForecast
from ratecast.serving.titles import watchlist

LISTED, SHOWN, MOST_FILES = 8, 200, 4
LEAVE_OUT = "Leave out"
Contents = Sequence[tuple[str, bytes]]
HELP = (
    "Drop the export of Letterboxd (the ZIP), IMDb, Goodreads, StoryGraph, MyAnimeList, Trakt or "
    "Netflix here, as you got it. Nothing is rated before you say so, and the file is not kept. "
    "A watchlist of Letterboxd or IMDb is shown ranked for you."
)


async def view(visitor: Visitor) -> None:
    """The place for the file; below it, what was matched, and then the forecasts."""
    if gate(visitor):
        return
    with ui.element("div").classes("hello"):
        element("h1", "Bring your ratings")
        element("p", HELP)
    ImportView(visitor)


class ImportView:
    """The view. found: the matches of the last file. choices: by row of a doubtful title."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.client = visitor, ui.context.client
        self.found: Uploaded | None = None
        self.choices: dict[int, ui.select] = {}
        most = visitor.context.app.state.limits.upload
        with ui.element("section").classes("card") as self.card:
            self.upload = ui.upload(
                label="Drop files here, or add them with +",
                multiple=True,
                auto_upload=True,
                max_files=MOST_FILES,
                max_total_size=most,
                on_multi_upload=self._take,
                on_rejected=lambda: self._fail(
                    f"At most {MOST_FILES} files of {most >> 20} MB together."
                ),
            ).classes("upload")
            self.upload.props("flat bordered")
            # Not reset, which would stop the upload of a next file.
            self.upload.on("uploaded", lambda: self._forget("Uploaded"), args=[])
            self.upload.on("failed", self._failed, args=[])
            self.message = element("p", "").classes("alarm").props('role="alert"')
        self.place = ui.element("div").props('aria-live="polite"')

    def _forget(self, kind: str) -> None:
        """Take files out of the list of the upload. kind: Uploaded, or Queued for those failed."""
        self.upload.run_method(f"remove{kind}Files")

    def _failed(self) -> None:
        self._forget("Queued")
        self._fail("The files did not arrive; try again.")

    def _fail(self, text: str) -> None:
        self.message.set_text(text)

    async def _take(self, event: MultiUploadEventArguments) -> None:
        await self._look([(file.name, await file.read()) for file in event.files])

    async def _look(self, contents: Contents, profile: str | None = None) -> None:
        """Match files, each a name and its bytes, and show what was found."""
        self.message.set_text("")
        self.found, profiles = None, []
        self.place.clear()
        with self.place:
            ui.spinner(size="2.5em")
            element("p", f"Looking for your {self.visitor.items.many}").classes("muted").props(
                'role="status"'
            )
        try:
            self.visitor.context.limit_rate(self.client.ip)
            if len(contents) == 1 and is_watchlist(contents[0][1], contents[0][0]):
                await self._rank(contents[0][1])
                return
            self.found = await self._matched(contents, profile)
        except ProfileNeededError as error:
            profiles = error.profiles
        except InputError as error:
            self._fail(str(error))
        except RequestError as error:
            self._fail(sentence(error))
        self.place.clear()
        with self.place:
            if profiles:
                self._choose_profile(contents, profiles)
            if self.found is not None:
                with ui.element("section").classes("card"):
                    self._draw(self.found)

    async def _matched(self, contents: Contents, profile: str | None) -> Uploaded:
        catalogue = self.visitor.service.live.served.catalogue
        async with self.visitor.context.matching:
            return await asyncio.to_thread(matched, contents, catalogue, profile)

    async def _rank(self, data: bytes) -> None:
        """Show a watchlist ranked by the visitor's forecasts."""
        service, user = self.visitor.service, self.visitor.forecast_user
        async with self.visitor.context.matching:
            found = await watchlist(service, data)
        ranked = service.recommend(user, len(found.movies), movies=found.movies)
        self.place.clear()
        with self.place, ui.element("section").props('aria-labelledby="recommended"'):
            element("h2", "Your watchlist, best first").props('id="recommended"')
            out = len(found.movies) - len(ranked)
            text = (
                f"{len(ranked):,} {self.visitor.items.many} that you have not rated; {out:,} rated "
                "or seen."
            )
            element("p", text).classes("muted").props('role="status"')
            self._list(ranked)
            names = (_named(each.title, each.year) for each in found.unresolved)
            _details("Not found for certain", names, len(found.unresolved))

    def _list(self, forecasts: Sequence[MovieForecast]) -> None:
        with ui.element("ol").classes("forecasts"):
            for each in forecasts:
                with ui.element("li"):
                    with ui.element("div").classes("what"):
                        link(each.movie.title, path(each.movie.id)).classes("title")
                        element("small", facts(each.movie))
                    ui.html(forecast(each), sanitize=False, tag="span")

    def _choose_profile(self, contents: Contents, profiles: list[str]) -> None:
        """The profiles of a Netflix account; the files are looked at again for the chosen one."""
        with ui.element("section").classes("card"):
            element("h2", "Which ratings are yours?")
            element("p", "This Netflix account has several profiles.").classes("muted")
            with ui.element("div").classes("row"):
                for name in profiles:
                    button(name, partial(self._look, contents, name))

    def _draw(self, found: Uploaded) -> None:
        """What was matched, with choices for what is doubtful, and the button that rates."""
        matches, counts = found.matches, found.matches.counts
        export = matches.export
        element("h2", f"{len(export):,} ratings from {export.source}")
        with ui.element("ul").classes("facts"):
            for status, count in counts.items():
                with ui.element("li"):
                    element("b", f"{count:,}")
                    element("span", status)
        for text in export.notes:
            element("p", f"{text[:1].upper()}{text[1:]}.").classes("muted")
        self._doubtful(found, counts["doubtful"])
        rows = matches.frame.filter(status=MATCHED).select(TITLE, YEAR, "candidate_title", RATING)
        _details(
            "Matched",
            (
                f"{_named(title, year)}: {own}, {stars:g} ★"
                for title, year, own, stars in rows.iter_rows()
            ),
            counts["matched"],
        )
        rows = matches.frame.filter(status=UNMATCHED).select(TITLE, YEAR)
        _details("Unmatched", (_named(*row) for row in rows.iter_rows()), counts["unmatched"])
        if counts["matched"] or self.choices:
            button(f"Rate these {self.visitor.items.many}", self._rate, quiet=False)
        else:
            element("p", "None of these titles is in the catalogue.").classes("alarm")

    def _doubtful(self, found: Uploaded, count: int) -> None:
        """A choice for each doubtful title; it is left out unless the visitor chooses a movie."""
        self.choices = {}
        if not count:
            return
        element("h3", f"Which {self.visitor.items.many} are these?")
        titles = found.matches.frame.select(TITLE, YEAR)
        with ui.element("ul").classes("choices"):
            for row, movies in found.offers.items():
                name = _named(*titles.row(row))
                options = {-1: LEAVE_OUT} | {k: movie.title for k, movie in enumerate(movies)}
                with ui.element("li"):
                    element("span", name).classes("title")
                    choice = ui.select(options, value=-1).props("outlined dense options-dense")
                    choice.props["aria-label"] = f"{self.visitor.items.title} for {name}"
                    self.choices[row] = choice
        if count > MOST_OFFERS:
            text = f"{count - MOST_OFFERS:,} more are left out; ratecast import settles them too."
            element("p", text).classes("muted")

    def _chosen(self, found: Uploaded) -> dict[int, Id]:
        values = {row: choice.value for row, choice in self.choices.items()}
        return {
            row: found.offers[row][value].id
            for row, value in values.items()
            if isinstance(value, int) and value >= 0
        }

    async def _rate(self) -> None:
        """Rate for the visitor what the file adds and changes, then show the forecasts."""
        # A second press of the button, while the first is at work, finds nothing to rate.
        found, self.found, service = self.found, None, self.visitor.service
        if found is None:
            return
        self.message.set_text("")
        try:
            matches = found.matches.settled(self._chosen(found))
            ratings = matches.scaled(service.live.served.stars)
            self.visitor.context.limit_rate(self.client.ip)
            user = await self.visitor.ensure_user()
            present = {movie: stars for movie, (stars, _) in service.live.ratings_of(user).items()}
            changes = Changes.of(ratings.select(MOVIE, RATING), present)
            for part in changes.parts():
                await service.rate_many(user, list(part.items()))
        except (InputError, RequestError) as error:
            self.found = found
            self._fail(sentence(error) if isinstance(error, RequestError) else str(error))
            return
        self.card.set_visibility(False)
        self.place.clear()
        with self.place:
            self._forecasts(user, changes)

    def _forecasts(self, user: Id, changes: Changes) -> None:
        with ui.element("section").props('aria-labelledby="recommended"'):
            with ui.element("div").classes("row"):
                element("h2", "You may like").props('id="recommended"')
                link("Another file", "/import").classes("quiet")
                link("All your ratings", "/").classes("quiet")
            text = (
                f"{len(changes.new):,} ratings added, {len(changes.changed):,} changed, "
                f"{changes.unchanged:,} there before. The service keeps stars of its own scale."
            )
            element("p", text).classes("muted").props('role="status"')
            self._list(self.visitor.service.recommend(user, LISTED))


def _details(name: str, lines: Iterable[str], count: int) -> None:
    """A list that opens with a click."""
    if not count:
        return
    with ui.element("details"):
        element("summary", f"{name}: {count:,}")
        with ui.element("ul"):
            for _, line in zip(range(SHOWN), lines, strict=False):
                element("li", line)
            if count > SHOWN:
                element("li", f"and {count - SHOWN:,} more").classes("muted")


def _named(title: str, year: int | None) -> str:
    return title if year is None else f"{title} ({year})"
