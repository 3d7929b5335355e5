"""All to all: three ways to run one exchange.

* *server*: the server asks for the pieces. A few it merges itself; more travel on within the tasks that merge them. For
  small pieces.
* *pieces*: worker to worker, a task for every piece of every block. Three rounds of tasks, ``blocks * parts`` tasks in
  the middle.
* *shuffle*: worker to worker, by the machinery of ``distributed.shuffle`` (back-pressure, disk, restart when a worker
  is lost), through one subclass each of its `ShuffleSpec` and `ShuffleRun`. A constant number of tasks a block, more
  messages to set it up.
"""

from __future__ import annotations

import io
import mmap
import pickle
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from distributed.shuffle._core import (
    P2PBarrierTask,
    ShuffleId,
    ShuffleRun,
    ShuffleSpec,
    barrier_key,
    get_worker_plugin,
    handle_transfer_errors,
    handle_unpack_errors,
    p2p_barrier,
)
from distributed.shuffle._pickle import unpickle_bytestream
from numpy.typing import NDArray

from arkserver.cluster import asking, tasks
from arkserver.cluster.graphs import Graph
from arkserver.cluster.neighbours import NotNearError, lend, take
from arkserver.engine.blocks import text
from arkserver.engine.values import TextBlock

Frames = list[NDArray[np.uint8]]
"""A piece, pickled: first the pickle, then its buffers."""
Piece = tuple[int, Frames]
"""The block that it was cut from, and the piece."""
Shard = tuple[tuple[int, ...], list[tuple[list[int], Any]]]
"""The number of a block, and of its pieces the numbers of the results and the `Piece`, which on its way may be lent."""

# Smaller pieces travel as fast through a socket.
LENT_FROM_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Half:
    """What one side of an exchange runs: a function and its arguments, block by block."""

    function: Callable[..., Any]
    arguments: Sequence[tuple[Any, ...]]

    def __len__(self) -> int:
        return len(self.arguments)


class Packed(NamedTuple):
    """The pieces of a block, each pickled: the server cuts them apart without looking into them."""

    sizes: NDArray[np.int64]
    """bytes of each"""
    data: bytes


def packed(split: Callable[..., Sequence[Any]], *args: Any) -> Packed:
    """Cut a block."""
    pickles = [pickle.dumps(piece, protocol=5) for piece in split(*args)]
    return Packed(np.array([len(p) for p in pickles]), b"".join(pickles))


def by_server(graph: Graph, blocks: Sequence[Packed], merge: Half) -> list[Any]:
    """Add the merging of pieces that are here; the keys of the results.

    Parameters
    ----------
    blocks : sequence of Packed
        A piece of each block for each result.
    """
    keys = []
    for j, (pieces, args) in enumerate(zip(_by_result(blocks), merge.arguments, strict=True)):
        keys.append((graph.name, j))
        graph.add(keys[-1], merge_packed, merge.function, graph.command, len(blocks), pieces, *args)
    return keys


def merge_packed(merge: Callable[..., Any], command: str, count: int, pieces: bytes, *args: Any) -> Any:
    """Make a block of pickled pieces."""
    return tasks.run(merge, command, _unpacked(count, pieces), *args)


def merged_here(graph: Graph, blocks: Sequence[Packed], merge: Half) -> list[Any]:
    """The results of `by_server`, merged in this process; no argument is a block on a worker."""
    pieces = [_unpacked(len(blocks), p) for p in _by_result(blocks)]
    calls = [(p, *args) for p, args in zip(pieces, merge.arguments, strict=True)]
    return asking.run(merge.function, graph.command, calls)


def _by_result(blocks: Sequence[Packed]) -> list[bytes]:
    """The pieces of each result, end to end.

    There are as many as the square of the blocks: a kernel moves them, as if they were strings.
    """
    sizes = np.stack([b.sizes for b in blocks])
    given = TextBlock(np.append(0, np.cumsum(sizes)), np.frombuffer(b"".join(b.data for b in blocks), np.uint8))
    moved = text.gather(given, np.arange(sizes.size).reshape(sizes.shape).T.ravel())
    whole, edges = moved.data.tobytes(), moved.offsets[:: len(blocks)].tolist()
    return [whole[a:b] for a, b in pairwise(edges)]


def _unpacked(count: int, pieces: bytes) -> list[Any]:
    stream = io.BytesIO(pieces)
    return [pickle.load(stream) for _ in range(count)]  # noqa: S301 - from workers of this cluster


def by_pieces(graph: Graph, split: Half, merge: Half) -> list[Any]:
    """Add an exchange as a task a piece; the keys of the results."""
    for i, args in enumerate(split.arguments):
        graph.run(i, split.function, args, "-split")
    keys = []
    for j, args in enumerate(merge.arguments):
        pieces = []
        for i in range(len(split)):
            whole = graph.reference((graph.name + "-split", i))
            pieces.append(graph.add((graph.name + "-piece", i * len(merge) + j), tasks.piece, whole, j))
        keys.append((graph.name, j))
        graph.add(keys[-1], tasks.run_merge, merge.function, graph.command, len(pieces), *pieces, *args)
    return keys


def by_shuffle(graph: Graph, split: Half, merge: Half, homes: Sequence[str], *, disk: bool) -> list[Any]:
    """Add an exchange as a shuffle; the keys of the results.

    Parameters
    ----------
    homes : sequence of str
        The worker for each result, if it is still there.
    disk : bool
        Keep pieces that have arrived on disk, not in memory.
    """
    shuffle = ShuffleId(graph.name)
    transfers = [
        graph.add((graph.name + "-split", i), transfer, shuffle, i, split.function, graph.command, *args)
        for i, args in enumerate(split.arguments)
    ]
    spec = ExchangeSpec(shuffle, disk, tuple(homes))
    barrier = barrier_key(shuffle)
    graph.tasks[barrier] = P2PBarrierTask(barrier, p2p_barrier, shuffle, *transfers, spec=spec)
    keys = []
    for j, args in enumerate(merge.arguments):
        keys.append((graph.name, j))
        graph.add(keys[-1], unpack, shuffle, j, graph.reference(barrier), merge.function, graph.command, *args)
    return keys


def transfer(shuffle: ShuffleId, i: int, split: Callable[..., Any], command: str, *args: Any) -> int:
    """Cut block `i` and hand the pieces over."""
    pieces = tasks.run(split, command, *args)
    with handle_transfer_errors(shuffle):
        return int(get_worker_plugin().add_partition(pieces, (i,), shuffle))


def unpack(shuffle: ShuffleId, j: int, run: int, merge: Callable[..., Any], command: str, *args: Any) -> Any:
    """Make block `j` of the pieces that came for it."""
    with handle_unpack_errors(shuffle):
        pieces = get_worker_plugin().get_output_partition(shuffle, run, (j,))
    return tasks.run(merge, command, pieces, *args)


@dataclass(frozen=True)
class ExchangeSpec(ShuffleSpec[tuple[int, ...]]):  # type: ignore[misc]  # distributed publishes no types
    """What the scheduler knows of an exchange."""

    homes: tuple[str, ...]
    """the worker for each result"""

    @property
    def output_partitions(self) -> Iterator[tuple[int, ...]]:
        """The numbers of the results."""
        return ((j,) for j in range(len(self.homes)))

    def pick_worker(self, partition: tuple[int, ...], workers: Sequence[str]) -> str:
        """The worker for a result: its home, or another when that has left."""
        (j,) = partition
        return self.homes[j] if self.homes[j] in workers else sorted(workers)[j % len(workers)]

    def create_run_on_worker(
        self, run_id: int, span_id: str | None, worker_for: dict[tuple[int, ...], str], plugin: Any
    ) -> ExchangeRun:
        """The worker's side."""
        worker = plugin.worker
        return ExchangeRun(
            worker_for,
            id=self.id,
            run_id=run_id,
            span_id=span_id,
            local_address=worker.address,
            directory=str(Path(worker.local_directory) / f"exchange-{self.id.replace('/', '_')}-{run_id}"),
            executor=plugin._executor,
            rpc=worker.rpc,
            digest_metric=worker.digest_metric,
            scheduler=worker.scheduler,
            memory_limiter_disk=plugin.memory_limiter_disk,
            memory_limiter_comms=plugin.memory_limiter_comms,
            disk=self.disk,
            loop=worker.loop,
        )


class ExchangeRun(ShuffleRun[tuple[int, ...], Any]):  # type: ignore[misc]  # distributed publishes no types
    """One worker's part in an exchange: sends pieces, takes pieces, hands them out."""

    sent_bytes: ClassVar[int] = 0
    """of pieces that this process has sent to other workers, in all exchanges"""

    def __init__(self, worker_for: dict[tuple[int, ...], str], **settings: Any) -> None:
        super().__init__(**settings)
        self._worker_for = worker_for
        self._far: set[str] = set()
        """workers that cannot read this one's memory"""

    def _shard_partition(self, data: Sequence[Any], partition_id: tuple[int, ...]) -> dict[str, Any]:
        """Pieces by worker; those for one worker travel together, and one of several results once."""
        (i,) = partition_id
        results: dict[tuple[str, int], list[int]] = defaultdict(list)
        for j, piece in enumerate(data):
            results[self._worker_for[(j,)], id(piece)].append(j)
        out: dict[str, list[tuple[list[int], Piece]]] = defaultdict(list)
        for (worker, _), numbers in results.items():
            out[worker].append((numbers, (i, _pickled(data[numbers[0]]))))
        return {worker: (partition_id, pieces) for worker, pieces in out.items()}

    async def _write_to_comm(self, data: dict[str, Any]) -> None:
        mine = data.pop(self.local_address, None)
        if mine is not None:
            await self._receive([mine])
        if data:
            await super()._write_to_comm(data)

    async def send(self, address: str, shards: list[Shard]) -> Any:
        """Send pieces and let go of them: the sender keeps each message until it has another one.

        A worker of the same machine is told where they lie.
        """
        answer = await super().send(address, self._lent(shards) if address not in self._far else shards)
        if answer["status"] == "far":
            self._far.add(address)
            answer = await super().send(address, shards)
        for _, pieces in shards:
            ExchangeRun.sent_bytes += sum(f.nbytes for _, (_, frames) in pieces for f in frames)
            pieces.clear()
        return answer

    def _lent(self, shards: list[Shard]) -> list[Shard]:
        """The shards with the places of large pieces instead of these."""
        try:
            return [
                (source, [(to, (i, _large_lent(frames))) for to, (i, frames) in pieces]) for source, pieces in shards
            ]
        except NotNearError:
            return shards

    async def receive(self, data: list[Shard] | bytes) -> Any:
        """Take a message; answers ``far`` when its pieces are out of reach."""
        try:
            return await super().receive(data)
        except NotNearError:
            return {"status": "far"}

    async def _receive(self, data: list[Shard]) -> None:
        """Take pieces; those of a block that came already (its task ran twice) are dropped."""
        self.raise_if_closed()
        arrived: dict[tuple[int, ...], list[Piece]] = defaultdict(list)
        for source, pieces in [(s, await self.offload(_taken, p)) for s, p in data if s not in self.received]:
            if source in self.received:
                continue
            self.received.add(source)
            for numbers, piece in pieces:
                for j in numbers:
                    arrived[(j,)].append(piece)
                self.total_recvd += sum(f.nbytes for f in piece[1])
        if not arrived:
            return
        try:
            await self._write_to_disk(arrived)
        except Exception as e:
            self._exception = e
            raise

    def _get_output_partition(self, partition_id: tuple[int, ...], key: Any, **_: Any) -> list[Any]:  # noqa: ARG002
        """The pieces of one result, in the order of the blocks that they were cut from."""
        arrived: list[Piece] = [p for pieces in self._read_from_disk(partition_id) for p in pieces]
        return [_unpickled(frames) for _, frames in sorted(arrived, key=lambda p: p[0])]

    def _get_assigned_worker(self, i: tuple[int, ...]) -> str:
        return self._worker_for[i]

    def deserialize(self, buffer: Any) -> Any:
        """Pieces in memory need no reading."""
        return buffer

    def read(self, path: Path) -> tuple[Any, int]:
        """Pieces from disk, as views of the file."""
        with path.open("r+b") as file:
            buffer = memoryview(mmap.mmap(file.fileno(), 0))
        return list(unpickle_bytestream(buffer)), buffer.nbytes


def _large_lent(frames: Frames) -> Frames | bytes:
    return pickle.dumps(lend(frames)) if sum(f.nbytes for f in frames) >= LENT_FROM_BYTES else frames


def _taken(pieces: list[tuple[list[int], Any]]) -> list[tuple[list[int], Piece]]:
    """Pieces of which the lent ones are here."""
    return [(to, (i, frames if isinstance(frames, list) else _fetched(frames))) for to, (i, frames) in pieces]


def _fetched(lent: bytes) -> Frames:
    return take(pickle.loads(lent))  # noqa: S301 - from a worker of this cluster


def _pickled(piece: Any) -> Frames:
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(piece, protocol=5, buffer_callback=buffers.append)
    return [np.frombuffer(head, np.uint8), *(np.frombuffer(b.raw(), np.uint8) for b in buffers)]


def _unpickled(frames: Frames) -> Any:
    return pickle.loads(frames[0].data, buffers=frames[1:])  # noqa: S301 - from a worker of this cluster
