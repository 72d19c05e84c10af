"""The console of rich, for text from outside: it is shown as it is written.

By default rich takes `:100:` for a picture and `[bold]` for a style, and sends control characters
to the terminal. Styles here come from code alone.
"""

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text
from typing_extensions import override

from ratecast.visible_text import lines


class PlainConsole(Console):
    """A console without markup and emoji codes, that writes control characters out."""

    def __init__(
        self, *, file: IO[str] | None = None, stderr: bool = False, width: int | None = None
    ) -> None:
        super().__init__(
            file=file, stderr=stderr, width=width, markup=False, emoji=False, highlight=False
        )

    @override
    def render_str(self, text: str, **options: Any) -> Text:
        # Before a table measures its cells.
        return super().render_str(lines(text), **options)

    @override
    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield segment._replace(text=lines(segment.text))
