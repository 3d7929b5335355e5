"""Rows of sets and joins."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from arkserver.engine.blocks import grouping, joining, ranking, sets, sorting, tables
from arkserver.engine.blocks.orders import key_range, order_of
from arkserver.engine.blocks.views import raw
from tests.kernels.rows import Arguments, Array, Comparison, codes, each, numbers, special_floats


def pairs(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    """Two blocks of one dtype that share elements; one of them may be empty."""
    for x in numbers(rng, n):
        yield x, rng.choice(x, n // 2 + 1) if n else x
        yield x[: n // 3], np.concatenate([x[n // 4 :], x[: n // 9]])
        yield x[:0], x
        yield x, x[:0]


def few_keys(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    """Any blocks, and such as `few_distinct` is for."""
    yield from each(rng, n)
    yield from repeated(rng, n)


def repeated(rng: np.random.Generator, _: int) -> Iterator[Arguments]:
    """Blocks that are long enough for a sample to say that their keys are few."""
    low, high = -(2**63), 2**63 - 1
    for distinct in (3, 1000):
        yield (rng.choice(np.append(rng.integers(low, high, distinct), 0), 40_000),)


def of_codes(fn: Callable[..., Array]) -> Callable[..., Array]:
    """A function of NumPy on sets, with elements told apart by their bits."""

    def run(*blocks: Array) -> Array:
        everything = np.concatenate(blocks)
        found = fn(*[codes(b) for b in blocks])
        values, first = np.unique(codes(everything), return_index=True)
        return everything[first[np.searchsorted(values, found)]]

    return run


def inverse_reference(x: Array) -> tuple[Array, Array]:
    return of_codes(np.unique)(x), np.unique(codes(x), return_inverse=True)[1]


def ranked(x: Array) -> tuple[Array, Array]:
    order = order_of(x.dtype)
    distinct, numbers = ranking.ranked(raw(x), order, key_range(raw(x), order))
    return distinct.view(x.dtype), numbers


def distinct(x: Array) -> Array:
    order = order_of(x.dtype)
    return ranking.distinct(raw(x), order, key_range(raw(x), order)).view(x.dtype)


def words(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    """Blocks of at least one element of 8 bytes, at last one whose elements repeat, half of them one element."""
    yield from ((x,) for x in numbers(rng, n + 1) if x.dtype.itemsize == 8)
    x = rng.choice(rng.integers(-(2**63), 2**63 - 1, n // 12 + 1), n + 1)
    yield (x,)
    yield (np.where(rng.random(n + 1) < 0.5, x[0], x),)


def counts_reference(x: Array) -> tuple[Array, Array]:
    return of_codes(np.unique)(x), np.unique(codes(x), return_counts=True)[1]


def numbers_reference(x: Array) -> Array:
    distinct = x.view(np.uint64)[::2]
    wanted = x.view(np.uint64)
    first = {int(v): i for i, v in enumerate(distinct)}
    return np.array([first.get(int(w), -1) for w in wanted], np.int64)


def word_sets(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    yield (rng.permutation(n) - 3,)
    yield (np.unique(rng.integers(-(2**63), 2**63 - 1, n)),)


def joined_tables(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for how in ("inner", "left", "right", "outer"):
        for m in (0, n) if n < 40 else (n // 2,):
            wide = rng.integers(-(2**63), 2**63 - 1, max(n // 3, 2))
            yield [rng.integers(0, n // 3 + 1, n)], [rng.integers(-2, n // 3 + 4, m)], how
            yield [rng.choice(wide, n)], [rng.choice(wide, m)], how
            yield [rng.choice(wide, n), rng.integers(0, 2, n)], [rng.choice(wide, m), rng.integers(0, 3, m)], how
            yield [rng.integers(0, 9, n), rng.random(n) < 0.5], [rng.integers(0, 9, m), rng.random(m) < 0.5], how
            yield [special_floats(rng, n)], [special_floats(rng, m)], how


def merge(left: list[Array], right: list[Array], how: str) -> tuple[Array, ...]:
    names = [f"k{i}" for i in range(len(left))]
    a = pd.DataFrame(dict(zip(names, left, strict=True))).assign(left=range(len(left[0])))
    b = pd.DataFrame(dict(zip(names, right, strict=True))).assign(right=range(len(right[0])))
    return tuple(a.merge(b, on=names, how=how)[c].fillna(-1).to_numpy(np.int64) for c in ("left", "right"))  # type: ignore[arg-type]


def join_reference(left: list[Array], right: list[Array], how: str) -> tuple[Array, ...]:
    if how != "outer":
        return merge(left, right, how)
    rows = merge(left, right, "left")
    alone = np.setdiff1d(np.arange(len(right[0])), rows[1])
    return np.concatenate([rows[0], np.full(len(alone), -1)]), np.concatenate([rows[1], alone])


ROWS: dict[str, Comparison] = {
    "sets.in1d": Comparison(sets.in1d, lambda x, test: np.isin(codes(x), codes(test)), pairs),
    "sets.unique": Comparison(sets.unique, of_codes(np.unique), few_keys),
    "grouping.unique_sorted": Comparison(lambda x: grouping.unique_sorted(sorting.sort(x)), of_codes(np.unique), each),
    "sets.unique_counts": Comparison(sets.unique_counts, counts_reference, few_keys),
    "sets.unique_inverse": Comparison(sets.unique_inverse, inverse_reference, few_keys),
    "ranking.distinct": Comparison(distinct, of_codes(np.unique), words),
    "ranking.ranked": Comparison(ranked, inverse_reference, words),
    "tables.few_distinct": Comparison(tables.few_distinct, of_codes(np.unique), repeated),
    "tables.numbers_among": Comparison(
        lambda x: tables.numbers_among(x.view(np.uint64)[::2].copy(), x.view(np.uint64)), numbers_reference, word_sets
    ),
    "sets.intersect": Comparison(sets.intersect, of_codes(np.intersect1d), pairs),
    "sets.union": Comparison(sets.union, of_codes(np.union1d), pairs),
    "sets.difference": Comparison(sets.difference, of_codes(np.setdiff1d), pairs),
    "sets.symmetric_difference": Comparison(sets.symmetric_difference, of_codes(np.setxor1d), pairs),
    "joining.join": Comparison(joining.join, join_reference, joined_tables),
}
