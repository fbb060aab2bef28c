# SPDX-License-Identifier: MIT
"""Read pickles of other programs as plain values. Nothing that a pickle names is imported, called or executed.

A pickle is a small program for a stack machine. `pickletools` of the standard library parses it; the machine here has
no way to a real class or function. What a pickle names becomes a `Global`, what it would call becomes a `Record` of the
call, and only what `_CALLS` lists is turned into a value: containers, numbers, arrays, and tensors as descriptions.
"""

from __future__ import annotations

import pickletools
import struct
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from latent_explorer.common.errors import DamagedData
from latent_explorer.common.guarded_arrays import MAX_NUMBERS, is_shape
from latent_explorer.common.guarded_json import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_OPERATIONS = 400_000  # of a file; a checkpoint of a thousand tensors with its optimizer takes about 100,000
MAX_INTEGER_BITS = 128
MAX_KEY_BITS = 60  # larger integers could share their hash
PARTS: dict[Any, int] = {
    str: 1,
    bytes: 1,
    bytearray: 1,
    list: 100,
    tuple: 100,
    dict: 100,
}  # bytes that a copy of an item takes
_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")


class Global(NamedTuple):
    """A class or function that a pickle names."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Record:
    """An object that a pickle would make: its class or maker, arguments, state and items."""

    maker: Global
    args: tuple[Any, ...] = ()
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)  # of a dictionary's subclass
    elements: list[Any] = field(default_factory=list)  # of a list's subclass

    def attributes(self) -> dict[Any, Any]:
        """Return the attributes that the object would have; for a dictionary's subclass its items, too."""
        return self.state if isinstance(self.state, dict) else self.items


class Storage(NamedTuple):
    """A run of numbers in the file that holds the pickle, which tensors are cut from."""

    key: str
    dtype: str  # torch's name, "float32"; "" if the tensor says it
    numel: int  # elements of `dtype`; bytes where that is ""
    data: memoryview | None = None  # of a storage within the pickle itself


class StoredTensor(NamedTuple):
    """A tensor by its place in a storage, in elements."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class _Mark:
    """Bottom of the items that an opcode takes from the stack."""


_MARK = _Mark()


class Budget:
    """What reading one file of `size` bytes may cost, in all of its pickles together.

    Values in a pickle's memo can be passed to many calls, so what calls copy is bounded by the file.
    """

    def __init__(self, size: int) -> None:
        self.operations = MAX_OPERATIONS
        self._copies = size + MAX_OPERATIONS  # bytes

    def copy(self, size: int) -> None:
        """Take the bytes of a copy. Raises DamagedData when there are none left."""
        self._copies -= size
        if self._copies < 0:
            raise DamagedData("its pickle makes far more data than the file holds")


class _Bounded:
    """Reader of a file that allocates no more than is left of it."""

    def __init__(self, file: BinaryIO, end: int) -> None:
        self._read, self._readline = file.read, file.readline
        self._at, self._end = file.tell(), end  # asking the file for its place before each byte would take longest

    def read(self, count: int) -> bytes:
        data = self._read(max(0, min(count, self._end - self._at)))
        self._at += len(data)
        return data

    def readline(self) -> bytes:
        line = self._readline(max(0, self._end - self._at))
        self._at += len(line)
        return line

    def tell(self) -> int:
        return self._at


def read_pickle(
    file: BinaryIO,
    end: int,
    load_persistent: Callable[[Any], Any] | None = None,
    calls: Mapping[Global, Callable[[tuple[Any, ...]], Any]] | None = None,
    budget: Budget | None = None,
) -> Any:
    """Read one pickle from the file's position on, up to `end`; the file then stands behind it.

    `load_persistent` is asked for the value of a persistent id, `calls` for those of further calls. A file of several
    pickles has one `budget` for all.

    Raises DamagedData for a pickle that is damaged, or beyond the limits.
    """
    return _Machine(load_persistent, {**_CALLS, **(calls or {})}, budget or Budget(end)).run(_Bounded(file, end))


def described(value: Any) -> str:
    """Return a short text as it is, and the type of anything else: a pickle's lists may be endless as text."""
    return shortened(str(value)) if isinstance(value, (str, Global)) else f"a value of the type {type(value).__name__}"


class _Machine:
    """The stack machine. `_OPERATIONS` maps the names of opcodes to its methods."""

    def __init__(
        self,
        load_persistent: Callable[[Any], Any] | None,
        calls: Mapping[Global, Callable[[tuple[Any, ...]], Any]],
        budget: Budget,
    ) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self._memo_keys: dict[int, list[int]] = {}  # by the id of a record in the memo
        self._load_persistent = load_persistent
        self._calls = calls
        self._budget = budget

    def run(self, source: _Bounded) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of damaged escapes in old text
                for opcode, argument, _ in pickletools.genops(source):  # type: ignore[arg-type]
                    self._budget.operations -= 1
                    if self._budget.operations < 0:
                        raise DamagedData(f"its pickle has more than {MAX_OPERATIONS:,} operations")
                    if opcode.name == "STOP":
                        return self.stack.pop()
                    if opcode.name in _IGNORED:
                        continue
                    operation = _OPERATIONS.get(opcode.name)
                    if operation is None:
                        raise DamagedData(f"its pickle uses the operation {opcode.name}, which no checkpoint needs")
                    operation(self, argument)
        except DamagedData:
            raise
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, EOFError, struct.error) as error:
            raise DamagedData(f"its pickle is damaged ({shortened(str(error))})") from error
        raise DamagedData("its pickle ends early")

    def pop_to_mark(self) -> list[Any]:
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise DamagedData("its pickle is damaged (an item without its mark)")
        items = self.stack[place + 1 :]
        del self.stack[place:]
        return items

    def drop_to_mark(self) -> None:
        self.pop_to_mark()

    def push(self, value: Any) -> None:
        if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
            raise DamagedData("its pickle holds a number of very many digits")
        self.stack.append(value)

    def push_tuple(self, count: int) -> None:
        items = tuple(self.stack[-count:])
        if len(items) < count or any(item is _MARK for item in items):
            raise DamagedData("its pickle is damaged (a tuple of too few items)")
        self.stack[-count:] = [items]

    def put(self, key: int) -> None:
        value = self.memo[key] = self.stack[-1]
        if isinstance(value, Record):
            self._memo_keys.setdefault(id(value), []).append(key)

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Record):
            target = target.elements
        if not isinstance(target, list):
            raise DamagedData("its pickle is damaged (items for something that is no list)")
        target.extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Record):
            target = target.items
        if not isinstance(target, dict) or len(values) % 2:
            raise DamagedData("its pickle is damaged (entries for something that is no dictionary)")
        for key, value in zip(values[::2], values[1::2], strict=True):
            target[_checked_key(key)] = value

    def make_dict(self) -> None:
        values = self.pop_to_mark()
        self.stack.append({})
        self.set_items(values)

    def make_global(self, module: Any, name: Any) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise DamagedData("its pickle is damaged (a class without a name)")
        self.stack.append(Global(module, name))

    def make_stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.make_global(module, name)

    def call(self, maker: Any, args: Any) -> None:
        """Push what the pickle would call: a value where `_CALLS` knows it, else a record."""
        if isinstance(maker, Record):  # a call of something that a call returned, such as functools.partial
            maker = maker.maker
        if not (isinstance(maker, Global) and isinstance(args, tuple)):
            raise DamagedData("its pickle is damaged (a call of something that cannot be called)")
        known = self._calls.get(maker)
        if known is None:
            self.stack.append(Record(maker, args))
            return
        self._budget.copy(sum(len(arg) * size for arg in args for kind, size in PARTS.items() if isinstance(arg, kind)))
        self.stack.append(known(args))

    def reduce(self) -> None:
        args, maker = self.stack.pop(), self.stack.pop()
        self.call(maker, args)

    def new_object(self) -> None:
        args, maker = self.stack.pop(), self.stack.pop()
        self.call(maker, args)

    def new_object_ex(self) -> None:
        keywords, args, maker = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.call(maker, args)
        if isinstance(self.stack[-1], Record) and isinstance(keywords, dict):
            self._budget.copy(len(keywords) * PARTS[dict])
            self.stack[-1].items.update(keywords)

    def instance(self) -> None:
        maker, *args = self.pop_to_mark()
        self.call(maker, tuple(args))

    def instance_by_name(self, names: str) -> None:
        module, _, name = names.partition(" ")
        self.call(Global(module, name), tuple(self.pop_to_mark()))

    def build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Record):
            target.state = self.whole_state(target, state)
            if target.maker in _ARRAYS:
                self.replace(target, _array(state, self._budget))
        # Else attributes of a dictionary's subclass, such as the versions that torch notes beside a state dict.

    def whole_state(self, record: Record, state: Any) -> Any:
        """Return a state with its slots, and with the items of a dictionary's subclass, as one dictionary."""
        if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):  # with __slots__
            parts = [part for part in (record.items, *state) if isinstance(part, dict) and part]
        elif isinstance(state, dict):
            parts = [part for part in (record.items, state) if part]
        else:
            return state
        if len(parts) < 2:
            return parts[0] if parts else {}
        self._budget.copy(sum(map(len, parts)) * PARTS[dict])
        return {key: value for part in parts for key, value in part.items()}

    def replace(self, record: Record, value: Any) -> None:
        """Put a finished value in the place of its record, also where the memo knows it."""
        self.stack[-1] = value
        for key in self._memo_keys.pop(id(record), ()):
            if self.memo[key] is record:
                self.memo[key] = value

    def load_persistent(self, identity: Any) -> None:
        if self._load_persistent is None:
            raise DamagedData("its pickle refers to data outside of it")
        self.stack.append(self._load_persistent(identity))


def _checked_key(key: Any) -> Any:
    if isinstance(key, int) and key.bit_length() <= MAX_KEY_BITS:
        return key
    if isinstance(key, (str, bytes)) or key is None:
        return key
    if isinstance(key, Global):
        return str(key)
    raise DamagedData(f"its pickle has a dictionary whose keys are of the type {type(key).__name__}")


# ------------------------------------------------------------------------------------------------ calls that are known


def _array(state: Any, budget: Budget) -> np.ndarray:
    """Return an array from the state that numpy pickles: version, shape, dtype, order, bytes."""
    _, shape, dtype, fortran, data = state
    if isinstance(data, str):
        budget.copy(len(data))
    return _from_buffer((data, dtype, shape, "F" if fortran else "C"))


def _from_buffer(args: tuple[Any, ...]) -> np.ndarray:
    """Return the array that numpy's newest pickles make of a buffer."""
    data, record, shape, order = args
    dtype = _numpy_dtype(record)
    data = data.encode("latin-1") if isinstance(data, str) else data  # text in Python 2's pickles
    if not isinstance(data, (bytes, bytearray)) or not _is_shape(shape) or len(data) != _count(shape) * dtype.itemsize:
        raise DamagedData("its pickle holds an array whose size is not that of its data")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if order == "F" else "C")


def _numpy_dtype(record: Any) -> np.dtype:
    """Return the dtype that a record of numpy.dtype describes: numbers and truth values only."""
    code, state = (record.args or ("",))[0], record.state
    order = state[1] if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">") else "<"
    if not isinstance(code, str) or code[:1] not in "fiub" or code[1:] not in ("1", "2", "4", "8"):
        raise DamagedData(f"its pickle holds an array of {described(code)}, which are no numbers")
    return np.dtype(order + code)


def _scalar(args: tuple[Any, ...]) -> Any:
    dtype, data = args
    data = data.encode("latin-1") if isinstance(data, str) else data
    dtype = _numpy_dtype(dtype)
    if len(data) != dtype.itemsize:
        raise DamagedData("its pickle holds a number whose size is not that of its data")
    return np.frombuffer(data, dtype)[0].item()


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple) and all(isinstance(n, int) for n in shape) and is_shape(shape)


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for n in shape:
        count *= n
    return count


def _tensor(args: tuple[Any, ...]) -> StoredTensor:
    """Return the tensor of torch._utils._rebuild_tensor, _v2 and _v3, which says its dtype last."""
    storage, offset, shape, stride = args[:4]
    if not isinstance(storage, Storage):
        raise DamagedData("its pickle holds a tensor without its numbers")
    named = args[6] if len(args) > 6 else None
    dtype = named.name if isinstance(named, Global) and named.module == "torch" else storage.dtype
    steps = isinstance(stride, tuple) and all(isinstance(n, int) and 0 <= n <= MAX_NUMBERS for n in stride)
    if not (_is_shape(shape) and steps and len(shape) == len(stride) and isinstance(offset, int)):
        raise DamagedData("its pickle holds a tensor without a proper shape")
    return StoredTensor(storage, dtype, offset, shape, stride)


def _bytes(args: tuple[Any, ...]) -> bytes:
    text, encoding = args
    if encoding not in ("latin1", "latin-1"):
        raise DamagedData(f"its pickle encodes bytes as {described(encoding)}")
    return text.encode("latin-1")


def _items(args: tuple[Any, ...]) -> list[Any]:
    """Return a list for a list, a set or a frozen set of Python 2's pickles."""
    return args[0] if args and isinstance(args[0], (list, tuple)) else []  # type: ignore[return-value]


def _ordered_dict(args: tuple[Any, ...]) -> dict[Any, Any]:
    """Return a dictionary from nothing or from pairs."""
    return {_checked_key(key): value for key, value in (args[0] if args else ())}


def _reconstructed(args: tuple[Any, ...]) -> Record:
    """Return the record of copyreg._reconstructor(class, base, state)."""
    maker = args[0]
    if not isinstance(maker, Global):
        raise DamagedData("its pickle is damaged (an object without a class)")
    return Record(maker)


_ARRAYS = {Global(module, "_reconstruct") for module in _NUMPY}
_CALLS: dict[Global, Callable[[tuple[Any, ...]], Any]] = {
    Global("collections", "OrderedDict"): _ordered_dict,
    Global("collections", "defaultdict"): lambda _: {},
    Global("copyreg", "_reconstructor"): _reconstructed,
    Global("copy_reg", "_reconstructor"): _reconstructed,
    Global("_codecs", "encode"): _bytes,
    Global("torch", "Size"): lambda args: tuple(args[0]),
    Global("torch._utils", "_rebuild_tensor"): _tensor,
    Global("torch._utils", "_rebuild_tensor_v2"): _tensor,
    Global("torch._utils", "_rebuild_tensor_v3"): _tensor,
    Global("torch._utils", "_rebuild_parameter"): lambda args: args[0],
    Global("torch._utils", "_rebuild_parameter_with_state"): lambda args: args[0],
    Global("torch._tensor", "_rebuild_from_type_v2"): lambda args: _tensor(args[2]),
    **{Global(module, "scalar"): _scalar for module in _NUMPY},
    **{Global(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
    **{
        Global(module, name): _items
        for module in ("builtins", "__builtin__")
        for name in ("set", "frozenset", "list", "tuple")
    },
}

_IGNORED = {"PROTO", "FRAME"}
_OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(
        (
            "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "STRING", "BINSTRING", "SHORT_BINSTRING",
            "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE",
            "BINUNICODE8", "FLOAT", "BINFLOAT",
        ),
        _Machine.push,
    ),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "MARK": lambda machine, _: machine.stack.append(_MARK),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_SET": lambda machine, _: machine.stack.append([]),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(()),
    "LIST": lambda machine, _: machine.stack.append(machine.pop_to_mark()),
    "FROZENSET": lambda machine, _: machine.stack.append(machine.pop_to_mark()),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine, _: machine.push_tuple(1),
    "TUPLE2": lambda machine, _: machine.push_tuple(2),
    "TUPLE3": lambda machine, _: machine.push_tuple(3),
    "DICT": lambda machine, _: machine.make_dict(),
    "APPEND": lambda machine, _: machine.append([machine.stack.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.pop_to_mark()),
    "ADDITEMS": lambda machine, _: machine.append(machine.pop_to_mark()),
    "SETITEM": lambda machine, _: machine.set_items([machine.stack.pop(-2), machine.stack.pop()]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    "POP": lambda machine, _: machine.stack.pop(),
    "POP_MARK": lambda machine, _: machine.drop_to_mark(),
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.put),
    "MEMOIZE": lambda machine, _: machine.put(len(machine.memo)),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda machine, key: machine.stack.append(machine.memo[key])),
    "GLOBAL": lambda machine, names: machine.make_global(*names.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.make_stack_global(),
    "REDUCE": lambda machine, _: machine.reduce(),
    "NEWOBJ": lambda machine, _: machine.new_object(),
    "NEWOBJ_EX": lambda machine, _: machine.new_object_ex(),
    "OBJ": lambda machine, _: machine.instance(),
    "INST": _Machine.instance_by_name,
    "BUILD": lambda machine, _: machine.build(),
    "PERSID": _Machine.load_persistent,
    "BINPERSID": lambda machine, _: machine.load_persistent(machine.stack.pop()),
}  # fmt: skip
