"""Every block function against its reference: any seed, sizes round chunk borders, several numbers of threads."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from arkserver.engine import blocks
from arkserver.engine.blocks import coded, cutting, radix
from tests.kernels.comparisons import COMPARISONS
from tests.kernels.rows import Comparison

# No functions over data of their own, or tested with the algorithms that they are made for (`tests/engine`).
NO_ROWS = {
    "views",
    "radix",
    "orders",
    "cutting",
    "along",
    "codes",
    "text",
    "arrow",
    "arithmetic",
    "integers",
    "calendar",
}
NO_ROWS |= {"bignum", "folding", "partials", "patterns", "running", "textorder", "texttable"}
PLUMBING = {
    "coded.state_of",
    "coded.merge",
    "coded.finish",
    "segmented.nothing_of",
    "tables.empty_table",
    "sorting.between",
    "sorting.counts_between",
    "sorting.members",
    "sorting.packed",
    "grouping.group_order",
    "grouping.run_over_segments",
    "sorting.coargsort_marked",
    "random.unsigned",
    "segmented.moments",
    "sorting.by_run_and_word",
    "words.deal",
    "words.merge_marked",
    "words.tied_rows",
}
# Distributions and shuffles: their reference is what Arkouda gives for a seed (`tests/engine/test_randomness.py`).
DRAWN = {"permutation", "chunked", "feistel", "fisher_yates", "merge_shuffle", "sample_segments"}


def public_functions() -> set[str]:
    modules = [m.name for m in pkgutil.iter_modules(blocks.__path__) if m.name not in NO_ROWS]
    loaded = {name: importlib.import_module(f"arkserver.engine.blocks.{name}") for name in modules}
    return (
        {
            f"{name}.{attribute}"
            for name, module in loaded.items()
            for attribute, value in vars(module).items()
            if inspect.isfunction(value) and not attribute.startswith("_") and value.__module__ == module.__name__
        }
        - PLUMBING
        - {f"random.{name}" for name in DRAWN}
    )


def test_every_block_function_has_a_reference() -> None:
    assert public_functions() - set(COMPARISONS) == set()


def assert_same(ours: Any, reference: Any, tolerance: float, size: float = 0.0) -> None:
    if isinstance(reference, tuple):
        assert len(ours) == len(reference)
        for mine, theirs in zip(ours, reference, strict=True):
            assert_same(mine, theirs, tolerance, size)
        return
    ours, reference = np.asarray(ours), np.asarray(reference)
    assert ours.shape == reference.shape
    assert ours.dtype == reference.dtype
    if tolerance and ours.dtype.kind == "f":
        np.testing.assert_allclose(ours, reference, rtol=tolerance, atol=size * 1e-15, equal_nan=True)
    else:
        np.testing.assert_array_equal(ours, reference)
        if ours.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(ours[ours == 0]), np.signbit(reference[reference == 0]))


def size_of(arguments: tuple[Any, ...]) -> float:
    """The greatest magnitude among the inputs, by which the rounding of sums is measured where they cancel."""
    arrays = [a.astype(np.float64) for a in arguments if isinstance(a, np.ndarray) and a.dtype.kind in "iuf"]
    return max((np.abs(a[np.isfinite(a)]).max(initial=0.0) for a in arrays), default=0.0)


def check(row: Comparison, seed: int, n: int) -> None:
    for arguments in row.inputs(np.random.default_rng(seed), n):
        size = size_of(arguments) if row.tolerance else 0.0
        with np.errstate(all="ignore"):
            reference = row.reference(*arguments)
        assert_same(row.ours(*arguments), reference, row.tolerance, size)


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_reference(name: str, threads: int, pool: Callable[[int], None]) -> None:
    pool(threads)
    for seed, n in enumerate((0, 1, 2, 7, 30, 400)):
        check(COMPARISONS[name], seed, n)


@pytest.mark.parametrize("name", [n for n in COMPARISONS if n.startswith(("sorting", "grouping", "ranking"))])
def test_sorts_buckets_that_are_cut_again(
    name: str, pool: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(radix, "LARGE", 600)
    monkeypatch.setattr(radix, "WHOLE", 100)
    monkeypatch.setattr(cutting, "FULL", 100)
    pool(2)
    check(COMPARISONS[name], 1, 20_000)


@pytest.mark.parametrize("name", [n for n in COMPARISONS if n.startswith("coded")])
def test_groups_whose_state_does_not_fit_the_cache(
    name: str, pool: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coded, "DIRECT_BYTES", 1)
    monkeypatch.setattr(coded, "CACHED_BITS", 1)
    pool(3)
    for seed, n in enumerate((30, 400, 3000)):
        check(COMPARISONS[name], seed, n)


def test_read_only_and_strided_blocks_are_as_good(pool: Callable[[int], None]) -> None:
    pool(2)
    x = np.random.default_rng(0).integers(0, 99, 1000)
    fixed = x.copy()
    fixed.flags.writeable = False
    assert_same(radix.argsort(fixed), np.argsort(x, kind="stable"), 0)
    assert_same(radix.sort(x[::3]), np.sort(x[::3]), 0)
    assert not fixed.flags.writeable
