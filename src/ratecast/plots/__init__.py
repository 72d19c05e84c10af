"""Plots in one visual style, for the report, the notebooks and the documentation.

`canvas` has the style and the colours, `picture` turns figures into SVG and PNG; the other files
draw plain arrays and tables.
"""

from ratecast.optional_packages import require

# Before a module of this folder imports matplotlib.
require("plots", "pictures")
