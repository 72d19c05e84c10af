"""The plotting room: one visual style for the report, the notebooks and the documentation.

`canvas` holds the style and the colours, `picture` what becomes of a figure; each other file draws
one kind of thing from plain arrays and tables, and knows no protocol, trainer or page.
"""

from ratecast.plots.picture import Picture

__all__ = ["Picture"]
