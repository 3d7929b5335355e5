"""Helpers that kernels inline: order-preserving codes of 64-bit keys, bit arithmetic, hashes, words in bytes."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from arkserver_kernels.policy import inlined

ONE = np.uint64(1)


@inlined
def encode(x: np.uint64, negative: np.uint64, flip: np.uint64) -> np.uint64:
    """Code a key's bits so that unsigned order is the order wanted.

    `flip` is inverted in every key (the sign bit, for signed order), `negative` in keys with the sign bit only (all
    other bits, for the order of IEEE floats).
    """
    return (x ^ (np.uint64(np.int64(x) >> np.int64(63)) & negative)) ^ flip


@inlined
def decode(code: np.uint64, negative: np.uint64, flip: np.uint64) -> np.uint64:
    """Invert `encode`."""
    x = code ^ flip
    return x ^ (np.uint64(np.int64(x) >> np.int64(63)) & negative)


@inlined
def bit_length(x: int) -> int:
    """Count the bits that ``x >= 0`` needs."""
    n = 0
    while x > 0:
        x >>= 1
        n += 1
    return n


@inlined
def less(a: Any, b: Any) -> bool:
    """Tell whether `a` sorts before `b`, a nan behind every number."""
    return bool(a < b) or (b != b and a == a)


@inlined
def ones(x: np.uint64) -> np.uint64:
    """The number of one bits."""
    x -= (x >> ONE) & np.uint64(0x5555555555555555)
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (x * np.uint64(0x0101010101010101)) >> np.uint64(56)


@inlined
def mixed(key: np.uint64) -> np.uint64:
    """A hash whose upper bits depend on all bits of the key."""
    key = (key ^ (key >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    return (key ^ (key >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)


# --- bytes by their addresses ----------------------------------------------------------------------------------------
#
# Helpers take addresses, not arrays: LLVM leaves larger helpers as calls, and each such call counts references to its
# arrays, in memory that all threads share. A look-up of a string took 240 ns instead of 45.


@intrinsic
def address_of(_context: Any, data: Any) -> Any:
    """The address of the first byte of an array; the caller keeps the array."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.ptrtoint(array.data, ir.IntType(64))

    return types.int64(data), generate


@intrinsic
def load_byte(_context: Any, address: Any) -> Any:  # noqa: ARG001 (Numba goes by the names)
    """The byte at an address, as a uint64."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        byte = builder.load(builder.inttoptr(args[0], ir.IntType(8).as_pointer()))
        return builder.zext(byte, ir.IntType(64))

    return types.uint64(types.int64), generate


@intrinsic
def load_word(_context: Any, address: Any) -> Any:  # noqa: ARG001
    """The 8 bytes from an address on, as a little-endian number."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        word = builder.load(builder.inttoptr(args[0], ir.IntType(64).as_pointer()))
        word.align = 1
        return builder.bswap(word) if sys.byteorder == "big" else word

    return types.uint64(types.int64), generate


@intrinsic
def element_at(_context: Any, address: Any, like: Any) -> Any:  # noqa: ARG001
    """The number at an address, of the type of another number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.get_value_type(signature.args[1])
        return builder.load(builder.inttoptr(args[0], kind.as_pointer()))

    return like(types.int64, like), generate


@intrinsic
def copy_word(_context: Any, target: Any, source: Any) -> Any:  # noqa: ARG001
    """Copy 8 bytes from one address to another."""

    def generate(context: Any, builder: Any, _: Any, args: Any) -> Any:
        target, source = (builder.inttoptr(a, ir.IntType(64).as_pointer()) for a in args)
        word = builder.load(source)
        word.align = 1
        builder.store(word, target).align = 1
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def prefetch(_context: Any, address: Any) -> Any:  # noqa: ARG001
    """Ask for the line of memory at an address, which may be any; nothing waits for it."""

    def generate(context: Any, builder: Any, _: Any, args: Any) -> Any:
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        reading, everywhere, data = (ir.Constant(number, n) for n in (0, 3, 1))
        builder.call(ask, [builder.inttoptr(args[0], pointer), reading, everywhere, data])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def stream_word(_context: Any, address: Any, word: Any) -> Any:  # noqa: ARG001
    """Write 8 bytes to an aligned address past the caches, which then need not load the line before."""

    def generate(context: Any, builder: Any, _: Any, args: Any) -> Any:
        store = builder.store(args[1], builder.inttoptr(args[0], ir.IntType(64).as_pointer()), align=8)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64), generate


@intrinsic
def word_of(_context: Any, number: Any) -> Any:
    """The bits of a number of 8 bytes."""
    return types.uint64(number), lambda _, builder, __, args: builder.bitcast(args[0], ir.IntType(64))


@intrinsic
def upper_product(_context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """The upper 64 of the 128 bits of the product of two uint64."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        a, b = (builder.zext(x, wide) for x in args)
        return builder.trunc(builder.lshr(builder.mul(a, b), ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def leading_zeros(_context: Any, word: Any) -> Any:  # noqa: ARG001
    """How many zero bits a uint64 that is not 0 begins with."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@intrinsic
def float_of(_context: Any, word: Any) -> Any:  # noqa: ARG001
    """The float64 that has the bits of a uint64."""
    return types.float64(types.uint64), lambda _, builder, __, args: builder.bitcast(args[0], ir.DoubleType())


@intrinsic
def reversed_bytes(_context: Any, word: Any) -> Any:
    """A uint64 with its bytes in the opposite order."""
    return types.uint64(word), lambda _, builder, __, args: builder.bswap(args[0])


@inlined
def word_at(base: int, start: int, n: int, size: int) -> np.uint64:
    """Up to 8 bytes as a little-endian number; bytes from the `n`-th on are 0.

    Parameters
    ----------
    base : int
        Address of `size` bytes, of which byte `start` is the first that is wanted.
    """
    if n <= 0:
        return np.uint64(0)
    word = np.uint64(0)
    if start + 8 <= size:
        word = load_word(base + start)
    elif size >= 8:  # the last word of all, without what comes before
        word = load_word(base + size - 8) >> np.uint64(8 * (start + 8 - size))
    else:
        for k in range(min(n, size - start)):
            word |= load_byte(base + start + k) << np.uint64(8 * k)
    return word if n >= 8 else word & ((np.uint64(1) << np.uint64(8 * n)) - np.uint64(1))


@inlined
def same_bytes(a: int, i: int, size_a: int, b: int, j: int, size_b: int, n: int) -> bool:
    """Whether `n` bytes are equal: those from ``i`` on of the bytes at address `a`, and from ``j`` on at `b`."""
    for k in range(0, n, 8):
        if word_at(a, i + k, n - k, size_a) != word_at(b, j + k, n - k, size_b):
            return False
    return True
