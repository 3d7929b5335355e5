"""One table for tests and benchmarks: what each block function must equal.

`test_kernels` fails when a public function of `arkserver.engine.blocks` has no row.
"""

from __future__ import annotations

from tests.kernels import rows_fields, rows_numeric, rows_order, rows_sets, rows_sparse, rows_words
from tests.kernels.rows import Comparison

COMPARISONS: dict[str, Comparison] = {
    **rows_order.ROWS,
    **rows_numeric.ROWS,
    **rows_sets.ROWS,
    **rows_fields.ROWS,
    **rows_sparse.ROWS,
    **rows_words.ROWS,
}
