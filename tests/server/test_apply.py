"""Users' own functions: only where the server allows them."""

from __future__ import annotations

import base64

import cloudpickle
import numpy as np

from tests.support.server import Raw, running_server, symbol


def test_functions_are_refused_unless_allowed(raw: Raw) -> None:
    name = symbol(raw.text("array<int64,1>", np.arange(3).tobytes(), shape=[3]))
    assert "--allow-apply" in raw.error("applyStr<int64,1>", x=name, funcStr="lambda x,: x + 1")
    raw.text("delete", name=name)


def test_functions_as_text_and_pickled() -> None:
    x = np.arange(6).reshape(2, 3)
    with running_server("--allow-apply", "--blocks", "2") as server, Raw(server.address) as raw:
        name = symbol(raw.text("array<int64,2>", x.tobytes(), shape=[2, 3]))
        plus = symbol(raw.text("applyStr<int64,2>", x=name, funcStr="lambda x,: x + 1"))
        assert raw.send("tondarray<int64,2>", array=plus) == (x + 1).tobytes()
        pickled = base64.b64encode(cloudpickle.dumps(lambda v: v / 4)).decode()
        quarter = symbol(raw.text("applyPickle<int64,2,float64>", x=name, pickleData=pickled))
        assert raw.send("tondarray<float64,2>", array=quarter) == (x / 4).tobytes()
        assert "ZeroDivisionError" in raw.error("applyStr<int64,2>", x=name, funcStr="lambda x,: 1 // x")
        assert "SyntaxError" in raw.error("applyStr<int64,2>", x=name, funcStr="lambda")
        assert "base64" in raw.error("applyPickle<int64,2,float64>", x=name, pickleData="?")
        assert raw.text("isVersionSupported", versionString="2.7") == "bool False"
        assert raw.text("noop") == "noop"
