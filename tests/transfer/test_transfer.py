"""Objects go from one engine to another over a socket, whatever their blocks, and what cannot be is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor
from arkserver.engine.progress import Progress
from arkserver.engine.transfer import messages, sending
from arkserver.engine.transfer.links import Rules
from arkserver.engine.transfer.messages import Answer, Manifest, ObjectEntry, Question, ValueEntry
from arkserver.errors import TransferError
from tests.storage.columns import assert_column
from tests.support.arrays import arrays
from tests.support.ports import free_port
from tests.support.session import Session

SECONDS = 20.0


class Pair:
    """Two servers that may exchange objects."""

    def __init__(
        self, ex: Executor, other: int, *, seconds: float = SECONDS, tokens: tuple[Any, Any] = (None, None)
    ) -> None:
        self.port = free_port()
        self.sender, self.receiver = Session(ex), Session(LocalExecutor(other))
        for session, token in zip((self.sender, self.receiver), tokens, strict=True):
            session.context.server.transfer = Rules("127.0.0.1", (self.port, self.port), seconds, token)

    @property
    def where(self) -> dict[str, str]:
        return {"hostname": "127.0.0.1", "port": str(self.port)}

    def both(self, send: str, receive: str, **parameters: Any) -> tuple[tuple[str, str], tuple[str, str]]:
        """What both commands answer."""
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(self.sender.reply, send, **parameters, **self.where)
            received = self.receiver.reply(receive, **self.where)
            return sent.result(), received

    def move(self, send: str = "sendArray", receive: str = "receiveArray", **parameters: Any) -> dict[str, Any]:
        """The items that the receiver has."""
        (kind, text), (other, answer) = self.both(send, receive, **parameters)
        assert (kind, other) == ("NORMAL", "NORMAL"), (text, answer)
        assert text == ("Array sent" if send == "sendArray" else "DataFrame sent")
        return {i["dataset_name"]: i for i in json.loads(json.loads(answer)["items"])}

    def contents(self, line: str) -> Any:
        found = self.receiver.get(line.split()[1])
        return [t.decode() for t in found] if line.split()[2] == "str" else found


@contextmanager
def pieces_of(nbytes: int) -> Iterator[None]:
    """Pieces are no larger, for so long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "PIECE_BYTES", nbytes)
        yield


@settings(max_examples=10)
@given(x=arrays(), other=st.sampled_from([1, 3]), small=st.booleans())
def test_arrays(ex: Executor, x: Any, other: int, small: bool) -> None:
    pair = Pair(ex, other)
    with pieces_of(24 if small else sending.PIECE_BYTES):
        item = pair.move(arg1=pair.sender.put(x), objType="pdarray")[""]
    assert item["arkouda_type"] == "PDARRAY"
    got = pair.contents(item["created"])
    assert (got.dtype, got.shape) == (x.dtype, x.shape)
    assert_column(got, x)


def test_no_axes_and_a_bound(ex: Executor) -> None:
    pair = Pair(ex, 1)
    for x, bound in ((np.array(7.5), -1), (np.array([2**70, 3], object), 80), (np.zeros((3, 0)), -1)):
        line = pair.move(arg1=pair.sender.put(x, bound), objType="pdarray")[""]["created"]
        assert_column(pair.contents(line), x)
        assert pair.receiver.engine.symbols.get(line.split()[1]).max_bits == bound


@settings(max_examples=10)
@given(texts=st.lists(st.text(max_size=6)), other=st.sampled_from([1, 3]), small=st.booleans())
def test_strings(ex: Executor, texts: list[str], other: int, small: bool) -> None:
    pair = Pair(ex, other)
    with pieces_of(5 if small else sending.PIECE_BYTES):
        item = pair.move(values=pair.sender.put(texts), objType="strings")[""]
    assert item["arkouda_type"] == "STRINGS"
    assert pair.contents(item["created"]) == texts
    symbols = pair.receiver.engine.symbols
    assert pair.receiver.engine.accounts.live == sum(symbols.get(name).nbytes for name in symbols.names())


def test_lists_and_categories(ex: Executor) -> None:
    pair = Pair(ex, 2)
    put = pair.sender.put
    item = pair.move(segments=put(np.array([0, 2, 2])), values=put(["a", "b", "c"]), dtype="str", objType="SegArray")[
        ""
    ]
    assert item["arkouda_type"] == "SEGARRAY"
    got = {role: pair.contents(line) for role, line in json.loads(item["created"]).items()}
    assert got["segments"].tolist() == [0, 2, 2]
    assert got["values"] == ["a", "b", "c"]
    item = pair.move(
        codes=put(np.array([1, 0])), categories=put(["x", "y"]), NA_codes=put(np.array([2])), objType="Categorical"
    )[""]
    assert item["arkouda_type"] == "CATEGORICAL"
    got = {role: pair.contents(line) for role, line in json.loads(item["created"]).items()}
    assert (got["codes"].tolist(), got["categories"], got["_akNAcode"].tolist()) == ([1, 0], ["x", "y"], [2])


def test_data_frames(ex: Executor) -> None:
    pair = Pair(ex, 2)
    put = pair.sender.put
    columns = [
        f"pdarray+n+{put(np.arange(3))}",
        f"Strings+with+plus+{put(list('abc'))}",
        f"Datetime+t+{put(np.arange(3))}",
        # So Arkouda's client writes it, blanks and all.
        f"Categorical+c+{put(np.array([0, 1, 0]))}         +{put(['p', 'q'])}+{put(np.array([5]))}",
        f"SegArray+l+{put(np.array([0, 1, 2]))}+{put(np.arange(4.0))}",
    ]
    items = pair.move(
        "sendDataframe", "receiveDataframe", size=len(columns), idx_name=put(np.arange(3)), columns=columns
    )
    assert {name: i["arkouda_type"] for name, i in items.items()} == {
        "n": "PDARRAY", "with+plus": "STRINGS", "t": "DATETIME", "c": "CATEGORICAL", "l": "SEGARRAY"}  # fmt: skip
    assert pair.contents(items["with+plus"]["created"]) == ["a", "b", "c"]
    assert pair.contents(json.loads(items["l"]["created"])["values"]).tolist() == [0, 1, 2, 3]
    text = pair.sender.error("sendDataframe", columns=["Odd+x+y"], **pair.where)
    assert "Odd not implemented" in text
    text = pair.sender.error("sendDataframe", columns=[f"SegArray+x+{put(np.arange(3))}"], **pair.where)
    assert "unknown symbol" in text or "is no column" in text


# --- what is refused -------------------------------------------------------------------------------------------------


def test_without_ports_nothing_is_exchanged() -> None:
    session = Session(LocalExecutor())
    x = session.put(np.arange(3))
    where = {"hostname": "localhost", "port": "6000"}
    for text in (
        session.error("sendArray", arg1=x, objType="pdarray", **where),
        session.error("receiveArray", **where),
        session.error("receiveDataframe", **where),
    ):
        assert "--transfer-ports" in text


def test_only_the_ports_and_hosts_of_the_settings() -> None:
    pair = Pair(LocalExecutor(), 1, seconds=0.2)
    x = pair.sender.put(np.arange(3))
    for port in ("22", "-1", "x", ""):
        text = pair.sender.error("sendArray", arg1=x, objType="pdarray", hostname="localhost", port=port)
        assert f"this server transfers over {pair.port} to {pair.port}" in text
    for host in ("", "a b", "x:1", "tcp://x", "[::1", "a@b"):
        assert "is no name or address" in pair.receiver.error("receiveArray", hostname=host, port=str(pair.port))
    text = pair.sender.error(
        "sendArray", arg1=x, objType="pdarray", hostname="no.such.host.invalid", port=str(pair.port)
    )
    assert "is not known" in text
    text = pair.sender.error("sendArray", arg1=x, objType="GroupBy", hostname="localhost", port=str(pair.port))
    assert "GroupBy" in text or "Not Found" in text


def test_nobody_comes() -> None:
    pair = Pair(LocalExecutor(), 1, seconds=0.3)
    x = pair.sender.put(np.arange(3))
    text = pair.sender.error("sendArray", arg1=x, objType="pdarray", **pair.where)
    assert "no server on 127.0.0.1 over port" in text
    assert "within 0.3 seconds" in text
    assert "did not answer within 0.3 seconds" in pair.receiver.error("receiveArray", **pair.where)


def test_a_port_that_is_taken() -> None:
    pair = Pair(LocalExecutor(), 1)
    with zmq.Context() as context, context.socket(zmq.REP) as other:
        other.bind(f"tcp://127.0.0.1:{pair.port}")
        text = pair.sender.error("sendArray", arg1=pair.sender.put(np.arange(3)), objType="pdarray", **pair.where)
        assert "cannot be listened on" in text


def test_tokens(ex: Executor) -> None:
    pair = Pair(ex, 1, tokens=("secret", "secret"))
    line = pair.move(arg1=pair.sender.put(np.arange(3)), objType="pdarray")[""]["created"]
    assert pair.contents(line).tolist() == [0, 1, 2]


@pytest.mark.parametrize("tokens", [("secret", "other"), ("secret", None), (None, "secret")])
def test_another_token(tokens: tuple[Any, Any]) -> None:
    pair = Pair(LocalExecutor(), 1, seconds=1.0, tokens=tokens)
    x = pair.sender.put(np.arange(3))
    (sent, text), (received, other) = pair.both("sendArray", "receiveArray", arg1=x, objType="pdarray")
    assert (sent, received) == ("ERROR", "ERROR")
    assert "same token?" in text + other


def test_only_the_host_that_was_named_is_served() -> None:
    pair = Pair(LocalExecutor(), 1, seconds=1.0)
    x = pair.sender.put(np.arange(3))
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(
            pair.sender.reply, "sendArray", arg1=x, objType="pdarray", hostname="192.0.2.1", port=str(pair.port)
        )
        assert "127.0.0.1 is not 192.0.2.1" in pair.receiver.error("receiveArray", **pair.where)
        assert "127.0.0.1 was refused" in sent.result()[1]


def test_what_does_not_fit_is_told_to_both() -> None:
    pair = Pair(LocalExecutor(), 1)
    pair.receiver.engine.accounts.limit = 1 << 26
    x = pair.sender.put(np.zeros(1 << 23))
    (sent, text), (received, other) = pair.both("sendArray", "receiveArray", arg1=x, objType="pdarray")
    assert (sent, received) == ("ERROR", "ERROR")
    assert "receiveArray requiring" in other
    assert "could not receive: receiveArray requiring" in text
    assert pair.receiver.engine.accounts.reserved == 0
    assert not pair.receiver.engine.symbols.names()


@pytest.mark.parametrize("side", ["sender", "receiver"])
def test_waiting_can_be_cancelled(side: str) -> None:
    pair = Pair(LocalExecutor(), 1)
    session = getattr(pair, side)
    session.token = Progress("waiting")
    threading.Timer(0.3, session.token.cancel).start()
    sent = {"arg1": session.put(np.arange(3)), "objType": "pdarray"} if side == "sender" else {}
    text = session.error("sendArray" if side == "sender" else "receiveArray", **sent, **pair.where)
    assert "cancel" in text


# --- other servers that misbehave ------------------------------------------------------------------------------------


@contextmanager
def impostor(port: int, *replies: list[bytes]) -> Iterator[None]:
    """A server that answers each question with the next of `replies`, whatever it is."""

    def serve() -> None:
        with zmq.Context() as context, context.socket(zmq.ROUTER) as link:
            link.linger = 500
            link.bind(f"tcp://127.0.0.1:{port}")
            for reply in replies:
                if not link.poll(5000):
                    return
                link.send_multipart([link.recv_multipart()[0], *reply])

    thread = threading.Thread(target=serve)
    thread.start()
    yield
    thread.join()


def manifest(*values: ValueEntry, kind: str = "PDARRAY", number: int = 0) -> list[bytes]:
    objects = {"": ObjectEntry(kind, {"array": number})}
    return [messages.encode(Answer("manifest", Manifest(values, objects)))]


def piece(count: int, *data: bytes) -> list[bytes]:
    return [messages.encode(Answer("piece", count=count)), *data]


INTS = ValueEntry("array", "int64", (3,))
TEXTS = ValueEntry("strings", shape=(2,), chars=4)
TWO = np.array([1, 1]).tobytes()


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([[b"{}"]], "no answer"),
        ([[b"\xff"]], "no answer"),
        ([piece(1, b"")], "did not say what it sends"),
        ([[messages.encode(Answer("error", text="no"))]], "the other server says: no"),
        ([manifest(INTS), piece(0, b"")], "another piece"),
        ([manifest(INTS), piece(4, bytes(32))], "another piece"),
        ([manifest(INTS), piece(3)], "another piece"),
        ([manifest(INTS), piece(3, bytes(23))], "23 bytes for 3 elements"),
        ([manifest(INTS, number=1), piece(3, bytes(24))], "without its values"),
        ([manifest(INTS, kind="GROUPBY"), piece(3, bytes(24))], "an object of type GROUPBY"),
        ([manifest(INTS, kind="SEGARRAY"), piece(3, bytes(24))], "without ['segments', 'values']"),
        ([manifest(ValueEntry("array", "float16", (3,)))], "elements of type float16"),
        ([manifest(ValueEntry("array", "int64", (-3,)))], "of the shape (-3,)"),
        ([manifest(ValueEntry("array", "int64", (1, 1, 1, 1)))], "of the shape (1, 1, 1, 1)"),
        ([manifest(ValueEntry("array", "bigint", (1,), words=9))], "integers of 9 words"),
        ([manifest(ValueEntry("array", "int64", (1 << 60,)))], "requiring"),
        ([manifest(TEXTS), piece(2, TWO[:8], b"ab")], "8 bytes for 2 lengths"),
        ([manifest(TEXTS), piece(2, TWO, b"abc")], "do not fit their bytes"),
        ([manifest(TEXTS), piece(2, np.array([-1, 3]).tobytes(), b"ab")], "do not fit their bytes"),
        ([manifest(TEXTS), piece(2, np.array([2**63 - 1, 3]).tobytes(), b"ab")], "do not fit their bytes"),
        ([manifest(TEXTS), piece(2, np.array([2, 3]).tobytes(), b"abcde")], "longer strings than it said"),
        ([manifest(INTS)], "did not go on within"),
    ],
)
def test_servers_that_send_nonsense(replies: list[list[bytes]], expected: str) -> None:
    pair = Pair(LocalExecutor(), 1, seconds=1.0)
    with impostor(pair.port, *replies):
        assert expected in pair.receiver.error("receiveArray", **pair.where)
    assert not pair.receiver.engine.symbols.names()
    assert pair.receiver.engine.accounts.reserved == 0


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        ([Question("hello", version=7)], "version 7 is spoken to version 1"),
        ([Question("piece")], "is spoken to version"),
        ([Question("hello"), Question("piece", value=1, stop=1)], "there is no value 1"),
        ([Question("hello"), Question("piece", word=-1, stop=1)], "there is no value 0"),
        ([Question("hello"), Question("piece", start=2, stop=4)], "no elements 2 to 4"),
        ([Question("hello"), Question("piece", start=-1, stop=1)], "no elements -1 to 1"),
        ([Question("hello"), Question("failed", text="too bad")], "could not receive: too bad"),
        ([Question("hello"), Question("hello")], "could not receive: hello"),
        ([Question("hello")], "asked for nothing within"),
    ],
)
def test_servers_that_ask_nonsense(questions: list[Question], expected: str) -> None:
    pair = Pair(LocalExecutor(), 1, seconds=1.0)
    x = pair.sender.put(np.arange(3))
    with (
        ThreadPoolExecutor(1) as pool,
        zmq.Context() as context,
        context.socket(zmq.DEALER) as link,
    ):
        link.linger = 0
        sent = pool.submit(pair.sender.reply, "sendArray", arg1=x, objType="pdarray", **pair.where)
        link.connect(f"tcp://127.0.0.1:{pair.port}")
        for question in questions:
            link.send(messages.encode(question))
        kind, text = sent.result()
    assert kind == "ERROR"
    assert expected in text


def test_a_question_that_is_none() -> None:
    with pytest.raises(TransferError, match="no question"):
        messages.question(zmq.Frame(b"{}"))
