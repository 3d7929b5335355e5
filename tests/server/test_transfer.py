"""Arrays go from one server to another, both of which ask for a token."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tests.support.ports import free_port
from tests.support.server import Raw, running_server, symbol


def test_two_servers() -> None:
    port = free_port()
    x = np.arange(5_000_000)
    flags = ("--transfer-ports", str(port), "--authenticate", "true", "--token", "secret")
    with (
        running_server(*flags) as one,
        running_server(*flags) as other,
        Raw(one.address, token="secret") as sender,
        Raw(other.address, token="secret") as receiver,
        ThreadPoolExecutor(1) as pool,
    ):
        name = symbol(sender.text("array<int64,1>", x.tobytes(), shape=[len(x)]))
        where: dict[str, Any] = {"hostname": "localhost", "port": str(port)}
        sent = pool.submit(sender.text, "sendArray", arg1=name, objType="pdarray", **where)
        (item,) = json.loads(json.loads(receiver.text("receiveArray", **where))["items"])
        assert sent.result() == "Array sent"
        assert receiver.send("tondarray<int64,1>", array=symbol(item["created"])) == x.tobytes()


@pytest.mark.parametrize("ports", ["x", "0-5", "9-8", "1-70000", "1-2-3"])
def test_ports_that_are_none(ports: str) -> None:
    with pytest.raises(AssertionError, match="write for example 6000-6009"), running_server("--transfer-ports", ports):
        pass
