"""The code of `lanes` for LLVM; numba asks for it when it compiles a kernel."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic, models, register_model

from ratecast.aligned import DOUBLES, LANES, LINE

_INDEX, _SHORT, _BYTE = ir.IntType(32), ir.IntType(16), ir.IntType(8).as_pointer()
# A product may be added without rounding it first.
_FUSED = ("contract",)

Generate = Callable[..., Any]


class _LanesType(types.Type):
    """Numbers of one type, as a kernel holds them in a variable."""

    def __init__(self, number: types.Float, vector: ir.VectorType) -> None:
        self.number, self.vector = number, vector
        super().__init__(name=f"Lanes({number} x {vector.count})")


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    """They are a vector of LLVM."""

    def __init__(self, manager: object, kind: _LanesType) -> None:
        super().__init__(manager, kind, kind.vector)  # type: ignore[no-untyped-call]


_OF = {
    types.float32: _LanesType(types.float32, ir.VectorType(ir.FloatType(), LANES)),
    types.float64: _LanesType(types.float64, ir.VectorType(ir.DoubleType(), DOUBLES)),
}
_SINGLE = _OF[types.float32]
_FOUR = _LanesType(types.float64, ir.VectorType(ir.DoubleType(), 4))


def _pointer(context: Any, builder: Any, kind: Any, place: Any) -> Any:
    """Of the entry at (table, row, column)."""
    table = context.make_array(kind)(context, builder, place[0])
    width = builder.extract_value(table.shape, 1)
    offset = builder.add(builder.mul(place[1], width), place[2])
    return builder.gep(table.data, [offset])


def _repeated(builder: Any, kind: _LanesType, number: Any) -> Any:
    """A vector of one number."""
    unset = ir.Constant(kind.vector, ir.Undefined)
    first = builder.insert_element(unset, number, _INDEX(0))
    width = kind.vector.count
    zeros = ir.Constant(ir.VectorType(_INDEX, width), [0] * width)
    return builder.shuffle_vector(first, unset, zeros)


@intrinsic
def load(typing: object, table: Any, row: Any, column: Any) -> tuple[Any, Generate]:
    """Lanes of table[row, column : column + LANES]."""
    return _OF[table.dtype](table, types.intp, types.intp), _load


@intrinsic
def load_four(typing: object, table: Any, row: Any, column: Any) -> tuple[Any, Generate]:
    """Lanes of table[row, column : column + 4]; table: float64."""
    return _FOUR(table, types.intp, types.intp), _load


def _load(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    kind = signature.return_type.vector
    pointer = _pointer(context, builder, signature.args[0], args)
    at = builder.bitcast(pointer, kind.as_pointer())
    return builder.load(at, align=4, typ=kind)


@intrinsic
def load_scaled(
    typing: object, table: Any, row: Any, column: Any, scale: Any
) -> tuple[Any, Generate]:
    """Lanes of scale * table[row, column : column + LANES]; table: int16."""
    shorts = ir.VectorType(_SHORT, LANES)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], args)
        at = builder.bitcast(pointer, shorts.as_pointer())
        whole = builder.sext(
            builder.load(at, align=2, typ=shorts), ir.VectorType(ir.IntType(32), LANES)
        )
        scales = _repeated(builder, _SINGLE, args[3])
        return builder.fmul(builder.sitofp(whole, _SINGLE.vector), scales)

    return _SINGLE(table, types.intp, types.intp, types.float32), generate


@intrinsic
def store(typing: object, table: Any, row: Any, column: Any, lanes: Any) -> tuple[Any, Generate]:
    """Write lanes to table[row, column : column + LANES]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], args)
        builder.store(args[3], builder.bitcast(pointer, lanes.vector.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(table, types.intp, types.intp, lanes), generate


@intrinsic
def prefetch(typing: object, table: Any, row: Any, column: Any) -> tuple[Any, Generate]:
    """Ask for the cache line of table[row, column], which is read soon; changes no number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _ask(builder, _pointer(context, builder, signature.args[0], args))
        return context.get_dummy_value()

    return types.void(table, types.intp, types.intp), generate


@intrinsic
def prefetch_row(typing: object, array: Any, row: Any) -> tuple[Any, Generate]:
    """Ask for every cache line of array[row]; its rows lie one after another."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = context.make_array(signature.args[0])(context, builder, args[0])
        (stride, *_) = cgutils.unpack_tuple(builder, one.strides)  # type: ignore[no-untyped-call]
        data = builder.bitcast(one.data, _BYTE)
        start = builder.gep(data, [builder.mul(args[1], stride)])
        first, step = stride.type(0), stride.type(LINE)
        with cgutils.for_range_slice(builder, first, stride, step) as (offset, _):
            _ask(builder, builder.gep(start, [offset]))
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


def _ask(builder: Any, pointer: Any) -> None:
    """For the cache line of a pointer: to be read and written, in every cache, as data."""
    kind = ir.FunctionType(ir.VoidType(), [_BYTE, _INDEX, _INDEX, _INDEX])
    ask = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
        builder.module, kind, "llvm.prefetch.p0"
    )
    builder.call(ask, [builder.bitcast(pointer, _BYTE), _INDEX(1), _INDEX(3), _INDEX(1)])


@intrinsic
def repeated(typing: object, number: Any) -> tuple[Any, Generate]:
    """Lanes of one number: float32, or float64."""
    return _OF[number](number), _repeat


@intrinsic
def repeated_four(typing: object, number: Any) -> tuple[Any, Generate]:
    """Four lanes of one number of float64."""
    return _FOUR(number), _repeat


def _repeat(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return _repeated(builder, signature.return_type, args[0])


@intrinsic
def times(typing: object, a: Any, b: Any) -> tuple[Any, Generate]:
    """Of each lane, a * b."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fmul(args[0], args[1], flags=_FUSED)

    return a(a, a), generate


@intrinsic
def plus(typing: object, a: Any, b: Any) -> tuple[Any, Generate]:
    """Of each lane, a + b, where a product is rounded before it is added."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fadd(*args)

    return a(a, a), generate


@intrinsic
def divide(typing: object, a: Any, b: Any) -> tuple[Any, Generate]:
    """Of each lane, a / b."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fdiv(*args)

    return a(a, a), generate


@intrinsic
def root(typing: object, a: Any) -> tuple[Any, Generate]:
    """Of each lane, the square root of a."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(a.vector, [a.vector])
        name = f"llvm.sqrt.v{a.vector.count}f{a.number.bitwidth}"
        sqrt = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, kind, name
        )
        return builder.call(sqrt, args)

    return a(a), generate


@intrinsic
def times_plus(typing: object, a: Any, b: Any, c: Any) -> tuple[Any, Generate]:
    """Of each lane, a * b + c."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        product = builder.fmul(args[0], args[1], flags=_FUSED)
        return builder.fadd(product, args[2], flags=_FUSED)

    return a(a, a, a), generate


@intrinsic
def total(typing: object, lanes: Any) -> tuple[Any, Generate]:
    """The sum of the lanes: of halves, of their halves, and so on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        (vector,), width = args, lanes.vector.count
        while width > 1:
            width //= 2
            unset = ir.Constant(vector.type, ir.Undefined)
            low, high = (
                ir.Constant(ir.VectorType(_INDEX, width), list(range(start, start + width)))
                for start in (0, width)
            )
            vector = builder.fadd(
                builder.shuffle_vector(vector, unset, low),
                builder.shuffle_vector(vector, unset, high),
            )
        return builder.extract_element(vector, _INDEX(0))

    return lanes.number(lanes), generate


def kind_of(name: str) -> Any:
    """What numba takes an operation for, by its name: a function."""
    context = cpu_target.typing_context
    context.refresh()
    return context.resolve_value_type(globals()[name])
