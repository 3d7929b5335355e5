"""Huge pages for what clients upload."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from arkserver.cli import pages
from arkserver.client import connect
from tests.support.server import running_server


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "glibc.malloc.hugetlb=1"),
        ({pages.TUNABLES: "glibc.malloc.check=1"}, "glibc.malloc.check=1:glibc.malloc.hugetlb=1"),
        ({pages.TUNABLES: "glibc.malloc.hugetlb=0"}, None),
    ],
)
def test_the_tunable_is_added_where_nobody_set_it(before: dict[str, str], after: str | None) -> None:
    environment = dict(before)
    assert pages.add_tunable(environment) == (after is not None)
    assert environment[pages.TUNABLES] == (after or before[pages.TUNABLES])


@pytest.mark.parametrize(
    ("text", "asked"), [("always [madvise] never", True), ("[always] madvise never", False), (None, False)]
)
def test_it_is_for_kernels_that_want_to_be_asked(tmp_path: Path, text: str | None, asked: bool) -> None:
    mode = tmp_path / "enabled"
    if text is not None:
        mode.write_text(text)
    assert pages.on_request(mode) == asked


@pytest.mark.skipif(not pages.on_request(), reason="this kernel gives huge pages to all or to none")
def test_an_upload_lies_in_huge_pages() -> None:
    x = np.arange(1 << 22)
    with running_server() as server, connect(server.address) as session:
        before = _huge_bytes(server.process.pid)
        kept = session.array(x)
        assert _huge_bytes(server.process.pid) - before > x.nbytes // 2
        assert np.array_equal(kept.to_numpy(), x)


def _huge_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("AnonHugePages:"))
