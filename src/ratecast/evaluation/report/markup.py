"""HTML without a way to forget the escaping: plain text is escaped, `Markup` is not."""

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()

    def filled(self, *values: object) -> "Markup":
        """A template, each `{}` replaced by a value.

        >>> Markup("<b>{}</b>").filled("<Tom & Viv>")
        '<b>&lt;Tom &amp; Viv&gt;</b>'
        """
        return Markup(self.format(*map(safe, values)))


def safe(value: object) -> Markup:
    """A value as HTML."""
    return value if isinstance(value, Markup) else Markup(escape(str(value)))


def joined(values: Iterable[object], between: str = "") -> Markup:
    """Values as HTML, one after the other."""
    return Markup(between.join(map(safe, values)))


def table(header: Iterable[object], lines: Iterable[Iterable[object]], kind: str = "") -> Markup:
    """A table that scrolls by itself where the page is narrow; the first column are names."""
    head = joined(Markup('<th scope="col">{}</th>').filled(cell) for cell in header)
    body = joined(_line(list(line)) for line in lines)
    return Markup(
        '<div class="scroll"><table class="{}"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).filled(kind, head, body)


def _line(cells: list[object]) -> Markup:
    first = Markup('<th scope="row">{}</th>').filled(cells[0])
    rest = (
        cell if isinstance(cell, Cell) else Markup("<td>{}</td>").filled(cell) for cell in cells[1:]
    )
    return Markup("<tr>{}{}</tr>").filled(first, joined(rest))


class Cell(Markup):
    """A whole `<td>`, with a class or a title of its own."""

    __slots__ = ()

    @classmethod
    def of(cls, value: object, kind: str = "", title: str = "") -> "Cell":
        """A cell of class `kind`, with a `title` to hover over."""
        hover = Markup(' title="{}"').filled(title) if title else Markup("")
        return cls(Markup('<td class="{}"{}>{}</td>').filled(kind, hover, value))


def card(title: str, inside: object, note: object = "", kind: str = "") -> Markup:
    """A titled box; `note` stands below."""
    below = Markup('<p class="note">{}</p>').filled(note) if note else Markup("")
    return Markup('<figure class="card {}"><h3>{}</h3>{}{}</figure>').filled(
        kind, title, inside, below
    )


def section(title: str, lead: object, *inside: object) -> Markup:
    """A part of the page, with a sentence that says how to read it."""
    return Markup('<section><h2>{}</h2><p class="lead">{}</p>{}</section>').filled(
        title, lead, joined(inside)
    )
