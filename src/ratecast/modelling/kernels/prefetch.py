"""Asking the processor for a row of an array before it is needed.

Rows that are read in the order of ratings lie anywhere in memory. Without this, a loop over them
waits for each; only the time changes, no bit of a result.
"""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

# Bytes of a line of a processor's cache.
LINE = 64


@njit(cache=True)
def prefetch_row(array, row):  # type: ignore[no-untyped-def]
    """Ask for row `row` of `array` (n, k), whose rows lie one after another; it must have it."""
    _prefetch(array, row)  # type: ignore[call-arg]


@intrinsic
def _prefetch(_: Any, array: Any, row: Any) -> Any:
    """See `prefetch_row`: an instruction for each line of the cache."""
    signature = types.void(array, row)

    def generated(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        one = context.make_array(array)(context, builder, arguments[0])
        strides = cgutils.unpack_tuple(builder, one.strides)  # type: ignore[no-untyped-call]
        byte = ir.IntType(8).as_pointer()
        place = context.cast(builder, arguments[1], row, types.intp)
        start = builder.gep(builder.bitcast(one.data, byte), [builder.mul(place, strides[0])])
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        name = "llvm.prefetch.p0i8"
        ask = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, kind, name
        )
        # To read it, into the second cache, as data.
        how = [ir.Constant(number, value) for value in (0, 2, 1)]
        line = ir.Constant(strides[0].type, LINE)
        with cgutils.for_range_slice(builder, ir.Constant(line.type, 0), strides[0], line) as (
            offset,
            _,
        ):
            builder.call(ask, [builder.gep(start, [offset]), *how])
        return context.get_dummy_value()

    return signature, generated
