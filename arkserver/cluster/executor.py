"""The executor over Dask workers: one block a worker, tasks beside their data, pieces from worker to worker."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from arkserver.cluster import asking, exchange, tasks
from arkserver.cluster.asking import ASKED_BYTES, Call
from arkserver.cluster.blocks import RemoteBlock, contents_of, frozen, known, remote_blocks
from arkserver.cluster.cluster import Cluster
from arkserver.cluster.exchange import Half, Packed
from arkserver.cluster.graphs import SHARED_BYTES, Graph, literal_bytes
from arkserver.engine import progress
from arkserver.engine.deferred import settle, value_of
from arkserver.engine.executor import DEFERRED_FROM, C, Each, Executor, R, Refs, blocks_of, operands_at
from arkserver.engine.values import Array, Block, Strings

# From this many pieces, or bytes, an exchange runs as a shuffle.
SHUFFLE_FROM_PIECES = 64
SHUFFLE_FROM_BYTES = 1 << 25
# Blocks up to this size are exchanged through the server's process: fewer messages for small data.
THROUGH_SERVER_BYTES = 1 << 16
# More pieces than these are too much for one process; a shuffle costs it less then.
THROUGH_SERVER_PIECES = 1 << 20
# Up to so many pieces this process merges itself: a result that is here at once is worth more than a task.
MERGED_HERE_PIECES = 1 << 8
# A block has at most about this many steps behind it that would be repeated if it were lost.
LINEAGE = 50
# A block has at most this share of a worker's memory: a step holds its operands, its result and what is between them.
BLOCK_SHARE = 1 / 24
# All of a value may go to every worker when it has at most this share of the smallest worker's memory.
SHARED_SHARE = 1 / 6
# Rows may travel with their positions.
POSITION_BYTES = 8
# Pieces of an exchange that are more than this share of the workers' memory wait on disk.
DISK_FROM_SHARE = 0.25


class ClusterExecutor(Executor):
    """Runs steps as Dask tasks.

    Steps that give blocks return as soon as the tasks are submitted; an error in one of them is raised by the next step
    that asks for contents of, or computed from, its blocks. Operands may have blocks in this process: these travel with
    the tasks.

    Parameters
    ----------
    cluster : Cluster
        The scheduler, its workers and a client.
    nbytes : int
        Of the largest value; when that is more than a block a worker may have, arrays get several blocks a worker.
    deferred_from : int
        Elements from which cheap elementwise results wait until they are needed; see `deferred`.
    """

    def __init__(self, cluster: Cluster, nbytes: int = 0, deferred_from: int = DEFERRED_FROM) -> None:
        self.cluster = cluster
        self._nbytes = nbytes
        self.deferred_from = deferred_from

    def sized(self, nbytes: int) -> ClusterExecutor:
        """The executor of a command whose largest value has `nbytes`."""
        return ClusterExecutor(self.cluster, nbytes, self.deferred_from)

    @property
    def width(self) -> int:
        """One block a worker, or several when they would be too large for it."""
        memory = self.cluster.memory
        rounds = math.ceil(self._nbytes / (BLOCK_SHARE * memory)) if memory else 1
        return max(1, rounds) * max(1, len(self.cluster.homes))

    def map(self, fn: Callable[..., Any], *operands: Any) -> Refs:
        """One new block for each: ``fn(*operands)``."""
        found: list[Any] | None = self._run_here(fn, _calls(operands))
        if found is not None:
            return self._kept(found)
        graph = Graph(_name(fn))
        keys = self._each_block(graph, fn, operands)
        return self._submit(graph, keys, operands)

    def map_parts(self, parts: int, fn: Callable[..., Sequence[Any]], *operands: Any) -> tuple[Refs, ...]:
        """`map` for a function that returns `parts` results."""
        found: list[Sequence[Any]] | None = self._run_here(fn, _calls(operands))
        if found is not None:
            return tuple(self._kept([results[p] for results in found]) for p in range(parts))
        graph = Graph(_name(fn))
        whole = self._each_block(graph, fn, operands, "-all")
        keys = []
        for p in range(parts):
            for i, key in enumerate(whole):
                keys.append((f"{graph.name}-{p}", i))
                graph.add(keys[-1], tasks.part, graph.reference(key), p)
        refs = self._submit(graph, keys, operands).values
        return tuple(Refs(refs[p * len(whole) : (p + 1) * len(whole)]) for p in range(parts))

    def collect(self, fn: Callable[..., R], *operands: Any) -> list[R]:
        """The results of ``fn(*operands)``, block by block, here."""
        return self.collecting(fn, *operands)()

    def collecting(self, fn: Callable[..., R], *operands: Any) -> Callable[[], list[R]]:
        """`collect` in two steps: the workers begin, and go on with what they are sent meanwhile."""
        calls = _calls(operands)
        answers = self._asked(fn, calls, ASKED_BYTES)

        def wait() -> list[R]:
            if (found := answers()) is not None:
                return found
            graph = Graph(_name(fn))
            return self.cluster.compute(graph, self._each_block(graph, fn, operands))

        return wait

    def exchange(
        self,
        split: Callable[..., Sequence[Any]],
        split_operands: Sequence[Any],
        merge: Callable[..., Any],
        merge_operands: Sequence[Any] = (),
        *,
        parts: int,
        moved: int | None = None,
    ) -> Refs:
        """All to all, from worker to worker."""
        first = Half(split, _calls(split_operands))
        second = Half(merge, [operands_at(merge_operands, j) for j in range(parts)])
        values = [o for o in split_operands if isinstance(o, Array | Strings)]
        nbytes = sum(v.nbytes for v in values)
        likely = nbytes + POSITION_BYTES * max((v.size for v in values), default=0)
        if any(isinstance(o, Refs) for o in split_operands):
            # What an earlier step made and is no array yet does not say its size; the command's largest value does.
            likely = max(likely, self._nbytes)
        if moved is not None:
            nbytes = likely = moved
        return self._exchange(
            first, second, nbytes, likely, (*split_operands, *merge_operands), certain=moved is not None
        )

    def share(self, x: C, fn: Callable[..., Any], *operands: Any) -> Refs:
        """Every block of `x` goes to all workers, to each of them once."""
        second = Half(fn, _calls(operands))
        first = Half(partial(_to_all, len(second)), _calls((x,)))
        copies = min(len(second), len(self.cluster.homes))
        return self._exchange(first, second, len(second) * x.nbytes, copies * x.nbytes, (x, *operands))

    def shares(self, nbytes: int, instead_of: int) -> bool:
        """Whether every worker can have all of a value, and that moves no more than `instead_of` bytes."""
        memory = self.cluster.least_memory
        fits = not memory or nbytes <= SHARED_SHARE * memory
        return fits and nbytes * len(self.cluster.homes) <= instead_of

    def _exchange(
        self, first: Half, second: Half, nbytes: int, likely: int, operands: Sequence[Any], *, certain: bool = False
    ) -> Refs:  # fmt: skip
        """An exchange of `nbytes` as far as is known, of `likely` so many, over blocks among the operands.

        Where the bytes are not `certain`, only small blocks are asked for their pieces.
        """
        graph = Graph(_name(second.function))
        parts = len(second)
        homes = self.cluster.homes_of(parts)
        most = ASKED_BYTES if certain else THROUGH_SERVER_BYTES * len(first)
        blocks, here = self._packed(first, parts, nbytes, most), contents_of(second.arguments)
        if blocks is not None and here is not None and len(first) * parts <= MERGED_HERE_PIECES:
            return self._kept(exchange.merged_here(graph, blocks, Half(second.function, here)))
        if blocks is not None:
            keys = exchange.by_server(graph, blocks, second)
        elif len(first) * parts < SHUFFLE_FROM_PIECES and likely < SHUFFLE_FROM_BYTES:
            keys = exchange.by_pieces(graph, first, second)
        else:
            disk = likely > DISK_FROM_SHARE * self.cluster.memory > 0
            keys = exchange.by_shuffle(graph, first, second, homes, disk=disk)
        graph.homes.update(zip(keys, homes, strict=True))
        return self._submit(graph, keys, operands)

    def _packed(self, split: Half, parts: int, nbytes: int, most: int) -> list[Packed] | None:
        """The pieces of all blocks, here, when they are small and few enough to travel through this process."""
        if nbytes > THROUGH_SERVER_BYTES * max(len(split), parts) or len(split) * parts > THROUGH_SERVER_PIECES:
            return None
        return self._asked(partial(exchange.packed, split.function), split.arguments, most)()

    def _asked(self, fn: Callable[..., R], calls: Sequence[Call], most: int) -> Callable[[], list[R] | None]:
        """Waits for the results of ``fn(*call)``; None when the blocks are large or nobody has those of a call."""
        found = self._run_here(fn, calls)
        if found is not None:
            return lambda: found
        return self.cluster.ask(fn, [tuple(map(known, call)) for call in calls], most)

    def _run_here(self, fn: Callable[..., R], calls: Sequence[Call]) -> list[R] | None:
        """The results of calls with blocks that this process has as well; None for others."""
        here = contents_of(calls)
        if here is None or not any(isinstance(a, RemoteBlock) for call in calls for a in call):
            return None
        return asking.run(fn, progress.command(), here)

    def _kept(self, made: Sequence[Any]) -> Refs:
        """Blocks of contents that were made here; this process has small ones as long as a task has them."""
        contents = [frozen(tasks.owned(content)) for content in made]
        blocks = self.place(contents)
        for block, content in zip(blocks, contents, strict=True):
            if isinstance(block, RemoteBlock) and literal_bytes(content) <= THROUGH_SERVER_BYTES:
                block.content = content
        return Refs(blocks)

    def update(self, fn: Callable[..., None], array: Array, *operands: Any) -> Array:
        """New blocks in place of those of `array`; waits, so that an error leaves `array` as it was.

        What is to be computed from the old ones is sent out first: it would keep them on the workers, uncounted.
        """
        settle(array.blocks)
        graph = Graph(_name(fn))
        keys = []
        for i in range(len(array.blocks)):
            keys.append((graph.name, i))
            graph.add(keys[-1], tasks.run_update, fn, graph.command, *operands_at((array, *operands), i))
        self._send_home(graph, keys)
        refs = self._submit(graph, keys, (array, *operands))
        self.cluster.settle(refs.values)
        return replace(array, blocks=refs.values)

    def place(self, blocks: Iterable[Any]) -> tuple[Block, ...]:
        """Send contents that are here to the workers.

        Small contents become part of a task, which the scheduler keeps; large ones go by way of files.
        """
        contents = list(blocks)
        if sum(map(literal_bytes, contents)) >= SHARED_BYTES * len(contents):
            return tuple(RemoteBlock(f, 0) for f in self.cluster.upload(contents))
        return self.map(tasks.same, Each(contents)).values

    def load(self, fn: Callable[..., Any], *operands: Any) -> Refs:
        """`map`, after which the blocks no longer need what they were made from."""
        refs = self.map(fn, *operands)
        self.cluster.settle(refs.values)
        self.cluster.cut_lineage(refs.values, wait=True)
        return refs

    def place_each(self, blocks: Iterator[Any]) -> tuple[Block, ...]:
        """Send contents to the workers one after the other."""
        return tuple(RemoteBlock(self.cluster.upload([b], first=i)[0], 0) for i, b in enumerate(blocks))

    def fetch(self, blocks: Iterable[Block]) -> list[Any]:
        """The contents of blocks, here."""
        return self.cluster.gather([value_of(b) for b in blocks])

    def _each_block(self, graph: Graph, fn: Callable[..., Any], operands: Sequence[Any], suffix: str = "") -> list[Any]:
        count = blocks_of(operands)
        keys = [graph.run(i, fn, operands_at(operands, i), suffix).key for i in range(count)]
        self._send_home(graph, keys)
        return keys

    def _send_home(self, graph: Graph, keys: Sequence[Any]) -> None:
        """Tasks that read no blocks of workers run at the homes of what they make."""
        if not graph.futures:
            graph.homes.update(zip(keys, self.cluster.homes_of(len(keys)), strict=True))

    def _submit(self, graph: Graph, keys: list[Any], operands: Sequence[Any]) -> Refs:
        before = max((b.depth for b in remote_blocks(operands)), default=0)
        depth = before + graph.depth
        blocks = [RemoteBlock(future, depth) for future in self.cluster.submit(graph, keys)]
        if depth // LINEAGE > before // LINEAGE:
            self.cluster.cut_lineage(blocks, wait=depth >= 2 * LINEAGE)
        return Refs(blocks)


def _calls(operands: Sequence[Any]) -> list[Call]:
    """The arguments of a step, block by block."""
    return [operands_at(operands, i) for i in range(blocks_of(operands))]


def _name(fn: Callable[..., Any]) -> str:
    """How a step is called in the dashboard."""
    return str(getattr(getattr(fn, "func", fn), "__name__", "step")).strip("_<>")


def _to_all(parts: int, block: Any) -> list[Any]:
    """A block as the piece of every result."""
    return [block] * parts
