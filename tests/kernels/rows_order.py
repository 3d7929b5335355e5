"""Rows of what orders, groups and moves."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from arkserver.engine.blocks import coded, dealing, grouping, moving, numbering, segmented, sorting
from arkserver.engine.blocks.orders import order_of
from arkserver.engine.blocks.views import raw
from tests.kernels.rows import Arguments, Array, Comparison, codes, each, numbers, special_floats


def stable(x: Array) -> Array:
    return np.argsort(codes(x), kind="stable")


def lexsort(keys: list[Array]) -> Array:
    return np.lexsort([codes(k) for k in reversed(keys)])


def several_keys(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    wide = rng.choice(rng.integers(-(2**63), 2**63 - 1, 4), n)
    yield ([rng.integers(0, 5, n), rng.integers(-3, 3, n)],)
    yield ([wide, special_floats(rng, n), rng.integers(0, 3, n)],)
    yield ([rng.choice(wide, n) if n else wide for _ in range(8)],)
    yield (
        [rng.random(n) < 0.5, rng.integers(0, 4, n, dtype=np.uint8), rng.integers(0, 2**64 - 1, n, dtype=np.uint64)],
    )
    yield ([rng.normal(size=n)],)


def from_rows(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    """Keys, some of which differ in their last bits only, and ascending rows that need few bits or many."""
    tied = rng.integers(0, 3, n) + (rng.integers(0, max(1, n // 4), n) << 40)
    for x in (tied, *numbers(rng, n)):
        for gap in (3, 1 << 30):
            yield x, np.cumsum(rng.integers(1, gap, n))


def with_rows(keys: Iterator[Arguments], n: int) -> Iterator[Arguments]:
    return ((*arguments, np.arange(n) * 5 + 2) for arguments in keys)


def two_sorted(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for x in numbers(rng, n):
        cut = int(rng.integers(0, n + 1))
        a, b = x[:cut], x[cut:]
        yield a[stable(a)], b[stable(b)]


def searches(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for x in numbers(rng, n):
        y = np.sort(rng.choice(x, n // 2)) if n else x
        yield y, x, "left"
        yield y, x, "right"


def tops(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for x in numbers(rng, n):
        for k in (0, 1, 5, n // 2, n + 3):
            yield x, k, False
            yield x, k, True


def top_reference(x: Array, k: int, largest: bool) -> Array:
    ordered = x[stable(x)]
    return ordered[max(0, len(x) - k) :] if largest else ordered[:k]


def gathers(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for x in numbers(rng, n):
        yield x, rng.integers(0, n, 2 * n) if n else np.empty(0, np.int64)
    yield rng.normal(size=n) + 1j, rng.integers(0, max(n, 1), n)
    yield rng.integers(0, 9, n, dtype=np.int16), rng.integers(0, max(n, 1), n)


def scatters(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for x in numbers(rng, n):
        index = rng.integers(0, n, 2 * n) if n else np.empty(0, np.int64)
        yield x, index, rng.choice(x, 2 * n) if n else x
        yield x, index.astype(np.uint32), rng.choice(x, 2 * n) if n else x
    yield np.zeros(n, np.complex128), np.arange(n), rng.normal(size=n) + 1j


def scalar_scatters(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for x, index, values in scatters(rng, n):
        if n:
            yield x, index, values[0]


def changed(fn: Callable[..., Any]) -> Callable[..., Array]:
    """A function that changes its first argument, as one that returns a changed copy."""

    def run(x: Array, *rest: Any) -> Array:
        out = x.copy()
        fn(out, *rest)
        return out

    return run


def assign(out: Array, index: Array, values: Any) -> None:
    out[index] = values


def masks(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for x in numbers(rng, n):
        yield x, rng.random(n) < rng.choice([0.0, 0.1, 0.9, 1.0])
    yield rng.normal(size=n) + 1j, rng.random(n) < 0.5


def shaped(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    yield from each(rng, n)
    yield (rng.normal(size=(n, 3)),)
    yield (rng.normal(size=(2, n, 2)).T,)
    yield (rng.normal(size=(0, n)),)
    yield (np.array(5),)


def ramps(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for dtype in (np.int64, np.uint64):
        for step in (1, -1, 7, -(2**62)):
            yield np.empty(n, dtype), int(rng.integers(-(2**40), 2**63)), step


def ramp(out: Array, start: int, step: int) -> None:
    word = (1 << 64) - 1
    places = np.arange(len(out), dtype=np.uint64)
    out[:] = (places * np.uint64(step & word) + np.uint64(start & word)).view(out.dtype)


def fills(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    yield rng.normal(size=n), 2.5
    yield rng.integers(0, 9, (n, 2)), -3


def segments_of(rng: np.random.Generator, n: int) -> Array:
    """Starts of segments of `n` elements, some of them empty."""
    return np.sort(np.concatenate([[0], rng.integers(0, n + 1, n // 3)])) if n else np.zeros(0, np.int64)


def spreads(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    starts = segments_of(rng, n)
    for x in numbers(rng, len(starts)):
        yield x, starts, n


def group_reference(keys: list[Array]) -> tuple[Array, Array]:
    rows = [codes(k, unsigned=True) for k in keys]
    permutation = np.lexsort(rows[::-1])
    new = np.ones(len(permutation), np.bool_)
    if len(new):
        new[1:] = np.any([r[permutation][1:] != r[permutation][:-1] for r in rows], axis=0)
    return permutation, np.flatnonzero(new)


def starts_reference(x: Array) -> Array:
    return np.flatnonzero(np.concatenate([np.ones(min(1, len(x)), np.bool_), codes(x)[1:] != codes(x)[:-1]]))


def spread_reference(values: Array, starts: Array, n: int) -> Array:
    return np.repeat(values, np.diff(starts, append=n))


def factorize_reference(x: Array) -> tuple[Array, Array]:
    _, first, inverse = np.unique(codes(x, unsigned=True), return_index=True, return_inverse=True)
    return inverse, x[first]


def factorize_by_groups(keys: Array) -> Array:
    return grouping.codes_of_groups(*grouping.group([keys]))


OPERATIONS = [
    "sum", "prod", "min", "max", "argmin", "argmax", "mean", "var", "std", "median", "any", "all", "and", "or", "xor",
    "nunique", "count", "first", "mode",
]  # fmt: skip


def reductions(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    starts = segments_of(rng, n)
    few = np.array([0, 0, n // 3])[: max(n, 0) and 3]
    arrays = list(numbers(rng, n))
    for op in OPERATIONS:
        for i in rng.choice(len(arrays), 5, replace=False):
            x = arrays[i]
            if x.dtype.kind == "f" and op in ("and", "or", "xor"):
                continue
            values = x.clip(0, 2) if op == "prod" and x.dtype.kind != "b" else x  # no overflow: 0 * inf is nan
            yield op, values, starts, True, 1
            yield op, values, few, False, 0


def reduce_one(op: str, x: Array, at: int, skip: bool, ddof: int) -> Any:
    """The reference for one group, whose values begin at position `at`."""
    is_float = x.dtype.kind == "f"
    kept = x[~np.isnan(x)] if is_float and skip else x
    if op in ("argmin", "argmax"):
        if not len(x):
            return 0
        if is_float and not len(kept):
            return at
        if not (is_float and skip):
            return at + int(getattr(np, op)(x))
        return at + int(np.flatnonzero(x == (kept.min() if op == "argmin" else kept.max()))[0])
    if op in ("min", "max"):
        if is_float:
            return getattr(np, op)(kept) if len(kept) else np.nan
        info = (False, True) if x.dtype.kind == "b" else (np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
        return getattr(np, op)(x) if len(x) else info[op == "min"]
    if op in ("var", "std"):
        return getattr(np, op)(kept.astype(float), ddof=ddof) if len(kept) - ddof > 0 else np.nan
    if op == "mode":
        values, counts = np.unique(codes(x), return_counts=True)
        return x[np.flatnonzero(codes(x) == values[counts.argmax()])[0]] if len(x) else 0
    plain: dict[str, Callable[[], Any]] = {
        "sum": lambda: np.sum(kept, dtype={"b": np.int64, "i": np.int64, "u": np.uint64, "f": float}[x.dtype.kind]),
        "prod": lambda: np.prod(kept.astype(float)),
        "mean": lambda: kept.astype(float).mean() if len(kept) else 0.0,
        "median": lambda: np.median(kept.astype(float)) if len(kept) else np.nan,
        "any": lambda: np.any(x),
        "all": lambda: np.all(x),
        "and": lambda: np.bitwise_and.reduce(x),
        "or": lambda: np.bitwise_or.reduce(x),
        "xor": lambda: np.bitwise_xor.reduce(x),
        "nunique": lambda: len(np.unique(codes(x))),
        "count": lambda: len(kept),
        "first": lambda: x[0] if len(x) else 0,
    }
    return plain[op]()


def reduce_reference(op: str, x: Array, starts: Array, skip: bool, ddof: int) -> Array:
    ends = np.append(starts[1:], len(x)).astype(np.int64)
    with np.errstate(all="ignore"):
        results = [reduce_one(op, x[a:b], int(a), skip, ddof) for a, b in zip(starts, ends[: len(starts)], strict=True)]
    return np.array(results, reduced_dtype(op, x.dtype))


def reduced_dtype(op: str, dtype: np.dtype[Any]) -> Any:
    if op in ("prod", "mean", "var", "std", "median"):
        return np.float64
    if op in ("any", "all"):
        return np.bool_
    if op in ("nunique", "count", "argmin", "argmax"):
        return np.int64
    return np.int64 if op == "sum" and dtype.itemsize == 1 else dtype


def permuted(fn: Callable[..., Array]) -> Callable[..., Array]:
    """`reduce_groups` as a function of values in group order, by way of a shuffled copy of them."""

    def run(op: str, x: Array, starts: Array, skip: bool, ddof: int) -> Array:
        permutation = np.random.default_rng(len(x)).permutation(len(x))
        shuffled = np.empty_like(x)
        shuffled[permutation] = x
        return fn(op, shuffled, permutation, starts, skip, ddof)

    return run


def across(fn: Callable[[list[Array], Array], Array]) -> Callable[[Array, Array], Array]:
    """A gather from pieces as one from an array: from near-equal ones and from one of a row, some empty."""

    def run(x: Array, index: Array) -> Array:
        n = len(x)
        even = fn([x[:0], *np.array_split(x, 7)], index)
        uneven = fn([x[: n // 3], x[n // 3 : n // 3 + 1], x[n // 3 + 1 :], x[:0]], index)
        np.testing.assert_array_equal(even.view(np.uint8), uneven.view(np.uint8))
        return even

    return run


def deals(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for count in (1, 3, 300):
        yield rng.integers(0, count, n).astype(np.uint16), count


FAR = 1 << 40
"""rows that need more than 32 bits"""


def dealt(parts: Array, count: int) -> tuple[Any, ...]:
    """Everything that a deal can do, on several kinds of rows."""
    deal = dealing.deal_to(parts, count)
    rows: list[Array] = [np.arange(len(parts)), parts.astype(np.uint8), np.ones((len(parts), 2)) * parts[:, None]]
    moved = [deal.dealt(x) for x in rows]
    both = [piece for x in rows for cut in deal.pieces_and_places(x, 5) for piece in cut]
    within = [p for dtype in (np.int64, np.uint32) for p in deal.pieces_within(FAR + rows[0], FAR - deal.edges, dtype)]
    return deal.edges, deal.order(), *both, *within, *(deal.back(m) for m in moved)


def dealt_reference(parts: Array, count: int) -> tuple[Any, ...]:
    order = np.argsort(parts, kind="stable")
    edges = np.searchsorted(parts[order], np.arange(count + 1))
    cut = [order[a:b] for a, b in pairwise(edges)]
    rows: list[Array] = [np.arange(len(parts)), parts.astype(np.uint8), np.ones((len(parts), 2)) * parts[:, None]]
    both = [piece for x in rows for pieces in ([x[c] for c in cut], [c + 5 for c in cut]) for piece in pieces]
    within = [(c + e).astype(t) for t in (np.int64, np.uint32) for c, e in zip(cut, edges.tolist(), strict=False)]
    return edges, order, *both, *within, *rows


def near_deals(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for last in (max(n, 1), 1 << 22, 1 << 40):
        for count in (1, 5):
            edges = np.sort(np.append(rng.integers(0, last, count), [0, last]))
            yield edges, rng.integers(0, last, n)


def dealt_near(edges: Array, rows: Array) -> tuple[Array, ...]:
    """The rows of each block by a deal by its ranges, which the rows of no two of them may share."""
    deal, begins, ranges = dealing.deal_near(edges, rows)
    pieces = deal.pieces_within(rows, begins, np.int64)
    cuts = [[p[a:b] for a, b in pairwise((0, *r, len(p)))] for p, r in zip(pieces, ranges, strict=True)]
    for cut in cuts:
        filled = [c for c in cut if len(c)]
        assert all(a.max() < b.min() for a, b in pairwise(filled))
    return tuple(np.concatenate([np.sort(c) for c in cut]) for cut in cuts)


def near_reference(edges: Array, rows: Array) -> tuple[Array, ...]:
    return tuple(np.sort(rows[(rows >= a) & (rows < b)]) - a for a, b in pairwise(edges.tolist()))


def bounded(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for x in numbers(rng, n):
        for count in (0, 1, 4, 20, 200):
            places = rng.integers(0, n, count) if n else np.empty(0, np.int64)
            places = places[np.lexsort([places, codes(x[places])])]
            yield x, x[places], places + 7, 7
            yield x, x[places], np.full(len(places), -1), 7


def between_reference(x: Array, bounds: Array, places: Array, start: int) -> Array:
    known = list(zip(codes(bounds).tolist(), places.tolist(), strict=True))
    return np.array([bisect_right(known, (c, start + i)) for i, c in enumerate(codes(x).tolist())], np.uint16)


def cells_bounded(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    """`bounded` whose cells are between two of the keys, wide ones or narrow."""
    for x, bounds, places, start in bounded(rng, max(n, 1)):
        least, most = sorted(order_of(x.dtype).code(bits) for bits in raw(rng.choice(x, 2)))
        for bits in (0, 3, 9):
            shift = max(0, (most - least).bit_length() - bits)
            yield x, bounds, places, start, dealing.Cells(least, most - least if bits else 0, shift if bits else 0)


def dealt_between(x: Array, bounds: Array, places: Array, start: int, cells: dealing.Cells) -> tuple[Array, ...]:
    """Keys of each part, whose cells ascend and have nothing in common."""
    deal, begins = dealing.deal_between(x, bounds, places, start, len(bounds) + 2, cells)
    pieces = deal.pieces(x)
    for piece, inner in zip(pieces, begins, strict=True):
        filled = [codes(piece[a:b]) for a, b in pairwise((0, *inner, len(piece))) if a < b]
        assert all(a.max() < b.min() for a, b in pairwise(filled))
    return tuple(p[stable(p)] for p in pieces)


def between_pieces(x: Array, bounds: Array, places: Array, start: int, _: dealing.Cells) -> tuple[Array, ...]:
    parts = between_reference(x, bounds, places, start)
    pieces = [x[parts == part] for part in range(len(bounds) + 2)]
    return tuple(p[stable(p)] for p in pieces)


def owned(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for cut in ([0, n], [0, 0, n // 3, n // 3, n], np.sort(rng.integers(0, n + 1, 40)).tolist()):
        edges = np.array([0, *cut[1:-1], n])
        yield edges, rng.integers(0, n, n) if n else np.empty(0, np.int64)


def coded_reductions(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    """`reductions` whose groups all have rows; not of large values whose spread is but NumPy's rounding."""
    for op, x, starts, skip, ddof in reductions(rng, n):
        if op in coded.OPERATIONS:
            far = np.isfinite(x) & (abs(x.astype(np.float64)) > 1e9) & (op in ("var", "std"))
            yield op, np.where(far, x.dtype.type(1), x), np.unique(starts[starts < n]), skip, ddof


def scattered(x: Array, starts: Array) -> tuple[Array, Array]:
    """Values in group order and the numbers of their groups, both shuffled."""
    permutation = np.random.default_rng(len(x)).permutation(len(x))
    numbers_of_groups = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(x)))
    return x[permutation], numbers_of_groups[permutation]


def reduce_scattered(op: str, x: Array, starts: Array, skip: bool, ddof: int) -> Array:
    return coded.reduce_codes(op, *scattered(x, starts), len(starts), skip, ddof)


def group_numbers(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for groups in {max(1, n // 2), max(1, n // 30)} if n else ():
        drawn = np.concatenate([np.arange(groups), rng.integers(0, groups, n - groups)])
        for x in numbers(rng, n):
            yield x, rng.permutation(drawn), groups


def arrange_reference(x: Array, numbers_of_groups: Array, groups: int) -> tuple[Array, Array]:
    return x[stable(numbers_of_groups)], np.searchsorted(np.sort(numbers_of_groups), np.arange(groups))


def whole_keys(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    return ((keys,) for (keys,) in several_keys(rng, n) if all(k.dtype.kind != "f" for k in keys))


def number_reference(keys: list[Array]) -> tuple[Array, Array]:
    permutation = np.lexsort(keys[::-1])
    new = np.ones(len(permutation), np.bool_)
    if len(new):
        new[1:] = np.any([k[permutation][1:] != k[permutation][:-1] for k in keys], axis=0)
    numbers_of_groups = np.empty(len(new), np.int64)
    numbers_of_groups[permutation] = np.cumsum(new) - 1
    return numbers_of_groups, permutation[new]


ROWS: dict[str, Comparison] = {
    "sorting.sort": Comparison(sorting.sort, lambda x: x[stable(x)], each),
    "sorting.argsort": Comparison(sorting.argsort, stable, each),
    "sorting.argsort of rows": Comparison(sorting.argsort, lambda x, rows: rows[stable(x)], from_rows),
    "sorting.coargsort": Comparison(sorting.coargsort, lexsort, several_keys),
    "sorting.coargsort of rows": Comparison(
        sorting.coargsort, lambda keys, rows: rows[lexsort(keys)], lambda rng, n: with_rows(several_keys(rng, n), n)
    ),
    "sorting.merge": Comparison(sorting.merge, lambda a, b: (c := np.concatenate([a, b]))[stable(c)], two_sorted),
    "sorting.merge_permutation": Comparison(
        sorting.merge_permutation, lambda a, b: stable(np.concatenate([a, b])), two_sorted
    ),
    "sorting.searchsorted": Comparison(sorting.searchsorted, np.searchsorted, searches),
    "sorting.is_sorted": Comparison(sorting.is_sorted, lambda x: bool(np.all(x[:-1] <= x[1:])), each),
    "sorting.top": Comparison(lambda x, k, largest: sorting.top(x, k, largest=largest), top_reference, tops),
    "sorting.argtop": Comparison(lambda x, k, largest: x[sorting.argtop(x, k, largest=largest)], top_reference, tops),
    "dealing.deal_to": Comparison(dealt, dealt_reference, deals),
    "dealing.deal_near": Comparison(dealt_near, near_reference, near_deals),
    "dealing.deal_between": Comparison(dealt_between, between_pieces, cells_bounded),
    "dealing.parts_between": Comparison(dealing.parts_between, between_reference, bounded),
    "dealing.owners": Comparison(
        dealing.owners, lambda edges, rows: (np.searchsorted(edges, rows, "right") - 1).astype(np.uint16), owned
    ),
    "moving.gather": Comparison(moving.gather, lambda x, index: x[index], gathers),
    "moving.gather_across": Comparison(across(moving.gather_across), lambda x, index: x[index], gathers),
    "moving.scatter": Comparison(changed(moving.scatter), changed(assign), scatters),
    "moving.scatter_scalar": Comparison(changed(moving.scatter_scalar), changed(assign), scalar_scatters),
    "moving.compress": Comparison(moving.compress, lambda x, mask: x[mask], masks),
    "moving.nonzero": Comparison(lambda _, mask: moving.nonzero(mask), lambda _, mask: np.flatnonzero(mask), masks),
    "moving.copy": Comparison(moving.copy, np.copy, shaped),
    "moving.copy_into": Comparison(lambda x: changed(moving.copy_into)(np.empty(x.shape), x), np.float64, shaped),
    "moving.concatenate": Comparison(
        lambda x: moving.concatenate([x, x[:0], x[1:]]), lambda x: np.concatenate([x, x[1:]]), each
    ),
    "moving.fill": Comparison(changed(moving.fill), np.full_like, fills),
    "moving.full": Comparison(lambda x, v: moving.full(x.shape, v, x.dtype), np.full_like, fills),
    "moving.ramp": Comparison(changed(moving.ramp), changed(ramp), ramps),
    "moving.minmax": Comparison(
        lambda x: moving.minmax(x.view(np.int64)) if x.dtype.itemsize == 8 else (0, -1),
        lambda x: (x.view(np.int64).min(), x.view(np.int64).max()) if x.dtype.itemsize == 8 and len(x) else (0, -1),
        each,
    ),
    "grouping.group": Comparison(grouping.group, group_reference, several_keys),
    "grouping.segment_starts": Comparison(grouping.segment_starts, starts_reference, each),
    "grouping.segment_lengths": Comparison(
        lambda _, s, n: grouping.segment_lengths(s, n), lambda _, s, n: np.diff(s, append=n), spreads
    ),
    "grouping.broadcast_segments": Comparison(grouping.broadcast_segments, spread_reference, spreads),
    "grouping.codes_of_groups": Comparison(factorize_by_groups, lambda x: factorize_reference(x)[0], each),
    "grouping.factorize": Comparison(grouping.factorize, factorize_reference, each),
    "coded.reduce_codes": Comparison(reduce_scattered, reduce_reference, coded_reductions, 1e-9),
    "coded.arrange": Comparison(coded.arrange, arrange_reference, group_numbers),
    "coded.first_rows": Comparison(
        lambda _, c, groups: coded.first_rows(c, groups),
        lambda _, c, __: np.unique(c, return_index=True)[1],
        group_numbers,
    ),
    "numbering.number": Comparison(numbering.number, number_reference, whole_keys),
    "segmented.reduce_segments": Comparison(segmented.reduce_segments, reduce_reference, reductions, 1e-9),
    "segmented.reduce_groups": Comparison(permuted(segmented.reduce_groups), reduce_reference, reductions, 1e-9),
}
