"""Sixteen numbers in single precision, or eight in double, at a time: for a fit's longest loops.

A compiler that makes such loops by itself chooses half the width of a processor with AVX-512, and
another order of the sum on every processor. Here the order is always the same; where registers are
narrower, sixteen numbers take two of them or four.

A table is (rows, width), contiguous, its width a multiple of `LANES`, or of `DOUBLES` if it is of
float64; it is filled up with zeros. An operation can be called by a kernel only.
"""

from typing import Any


class Operation:
    """Stands for its code, which needs numba, that a module with kernels does not import."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def _numba_type_(self) -> Any:
        from ratecast.lane_code import kind_of

        return kind_of(self.name)


# Arguments: table, row, column. Lanes of table[row, column : column + LANES].
load: Any = Operation("load")
# The same of float64, but four of them.
load_four: Any = Operation("load_four")
# table (int16), row, column, scale. The same, multiplied by scale.
load_scaled: Any = Operation("load_scaled")
# table, row, column, lanes. Writes them there.
store: Any = Operation("store")
# table, row, column. Asks for the cache line, which is read soon; changes no number.
prefetch: Any = Operation("prefetch")
# array (n, k), row. The same for all lines of a row, which lie one after another.
prefetch_row: Any = Operation("prefetch_row")
# number. Lanes of it.
repeated: Any = Operation("repeated")
# number (float64). The same, but four.
repeated_four: Any = Operation("repeated_four")
# a, b. Of each lane, a * b.
times: Any = Operation("times")
# a, b. Of each lane, a + b, where a product is rounded before it is added.
plus: Any = Operation("plus")
# a, b. Of each lane, a / b.
divide: Any = Operation("divide")
# a. Of each lane, the square root of a.
root: Any = Operation("root")
# a, b, c. Of each lane, a * b + c.
times_plus: Any = Operation("times_plus")
# lanes. Their sum: of halves, of their halves, and so on.
total: Any = Operation("total")
