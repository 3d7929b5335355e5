"""16 clients at once, each with 1,000 mixed commands whose answers are compared with NumPy's."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.support.server import Raw, running_server, symbol

CLIENTS = 16
COMMANDS = 1_000
SHARED = np.arange(5_000)


class Client:
    """Keeps arrays on the server and their twins in NumPy, and compares what commands give on either side."""

    def __init__(self, raw: Raw, seed: int, shared: str) -> None:
        self.raw = raw
        self.random = random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        self.shared = shared
        self.pairs: list[tuple[str, np.ndarray]] = []
        self.actions: list[Callable[[], None]] = [
            self.upload,
            self.add,
            self.change_in_place,
            self.cut,
            self.sort,
            self.gather,
            self.element,
            self.read_shared,
        ]

    def run(self) -> None:
        self.upload()
        for _ in range(COMMANDS // 2):  # each action also downloads and compares
            self.random.choice(self.actions)()
        for name, _ in self.pairs:
            self.raw.text("delete", name=name)

    def keep(self, line: str, expected: np.ndarray) -> None:
        name = symbol(line)
        self.compare(name, expected)
        self.pairs.append((name, expected))
        if len(self.pairs) > 8:
            gone, _ = self.pairs.pop(self.random.randrange(8))
            self.raw.text("delete", name=gone)

    def compare(self, name: str, expected: np.ndarray) -> None:
        data = self.raw.send(f"tondarray<{expected.dtype},1>", array=name)
        np.testing.assert_array_equal(np.frombuffer(data, expected.dtype), expected)

    def one(self) -> tuple[str, np.ndarray]:
        return self.random.choice(self.pairs)

    def upload(self) -> None:
        x: Any = self.numbers.integers(-100, 100, self.random.choice([10, 1000, 100_000]))
        x = x if self.random.random() < 0.5 else x.astype(np.float64)
        self.keep(self.raw.text(f"array<{x.dtype},1>", x.tobytes(), shape=[x.size]), x)

    def add(self) -> None:
        name, x = self.one()
        self.keep(self.raw.text(f"binopvv<{x.dtype},{x.dtype},1>", op="+", a=name, b=name), x + x)

    def change_in_place(self) -> None:
        at = self.random.randrange(len(self.pairs))
        name, x = self.pairs[at]
        self.raw.text(f"opeqvs<{x.dtype},1>", op="+=", a=name, value=x.dtype.type(3).item())
        self.pairs[at] = name, x + x.dtype.type(3)
        self.compare(*self.pairs[at])

    def cut(self) -> None:
        name, x = self.one()
        line = self.raw.text(f"[slice]<{x.dtype},1>", array=name, starts=[1], stops=[x.size - 1], strides=[2])
        self.keep(line, x[1:-1:2])
        if not self.pairs[-1][1].size:
            self.pairs.pop()

    def sort(self) -> None:
        name, x = self.one()
        line = self.raw.text(f"argsort<{x.dtype},1>", name=name, algoName="RadixSortLSD", objType="pdarray", axis=0)
        self.keep(line, np.argsort(x, kind="stable"))

    def gather(self) -> None:
        name, x = self.one()
        index = self.numbers.integers(0, x.size, 50)
        at = symbol(self.raw.text("array<int64,1>", index.tobytes(), shape=[50]))
        self.keep(self.raw.text("[pdarray]", array=name, idx=at), x[index])
        self.raw.text("delete", name=at)

    def element(self) -> None:
        name, x = self.one()
        i = self.random.randrange(x.size)
        dtype, value = self.raw.text(f"[int]<{x.dtype},1>", array=name, idx=[i]).split()
        assert x.dtype.type(float(value)) == x[i]
        assert dtype == x.dtype

    def read_shared(self) -> None:
        self.keep(self.raw.text("binopvs<int64,int64,1>", op="*", a=self.shared, value=2), SHARED * 2)


def test_many_clients_at_once_get_right_answers() -> None:
    errors: list[BaseException] = []

    with running_server("--log-level", "WARN") as server, Raw(server.address) as owner:
        shared = symbol(owner.text("array<int64,1>", SHARED.tobytes(), shape=[SHARED.size]))

        def work(seed: int) -> None:
            try:
                with Raw(server.address, user=f"user{seed}") as raw:
                    Client(raw, seed, shared).run()
            except BaseException as e:  # noqa: BLE001 - it is raised again in the test's own thread
                errors.append(e)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        assert int(owner.text("getmemused", factor=1, as_percent=False)) == SHARED.nbytes
