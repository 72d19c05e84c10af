"""HTML with automatic escaping: plain text is escaped, `Markup` is not."""

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()

    def filled(self, *values: object) -> "Markup":
        """The template with each `{}` replaced by a value.

        >>> Markup("<b>{}</b>").filled("<Tom & Viv>")
        '<b>&lt;Tom &amp; Viv&gt;</b>'
        """
        return Markup(self.format(*map(safe, values)))


def safe(value: object) -> Markup:
    """A value as HTML."""
    return value if isinstance(value, Markup) else Markup(escape(str(value)))


def joined(values: Iterable[object], between: str = "") -> Markup:
    """Values as HTML, concatenated."""
    return Markup(between.join(map(safe, values)))


def table(header: Iterable[object], lines: Iterable[Iterable[object]], kind: str = "") -> Markup:
    """A table, scrollable on a narrow page; the first column has the row names."""
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
    """A complete `<td>`, with its own class and title."""

    __slots__ = ()

    @classmethod
    def of(cls, value: object, kind: str = "", title: str = "") -> "Cell":
        """A cell of class `kind`, with a tooltip `title`."""
        hover = Markup(' title="{}"').filled(title) if title else Markup("")
        return cls(Markup('<td class="{}"{}>{}</td>').filled(kind, hover, value))


def card(title: str, inside: object, note: object = "", kind: str = "") -> Markup:
    """A box with a title, and `note` below."""
    below = Markup('<p class="note">{}</p>').filled(note) if note else Markup("")
    return Markup('<figure class="card {}"><h3>{}</h3>{}{}</figure>').filled(
        kind, title, inside, below
    )


def section(title: str, lead: object, *inside: object) -> Markup:
    """A part of the page, with a sentence on how to read it."""
    return Markup('<section><h2>{}</h2><p class="lead">{}</p>{}</section>').filled(
        title, lead, joined(inside)
    )
