"""Commands on strings, as a client gives them."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from arkserver.engine.executor import Executor
from tests.support.session import Session

ITEMS = ["hello", "", "wörld", 'say "hi"', "back\\slash", "new\nline", "hello"]
RAW = [i.encode() for i in ITEMS]


@pytest.fixture
def session(ex: Executor) -> Session:
    return Session(ex)


def strings(session: Session, cmd: str, **parameters: object) -> list[list[bytes]]:
    return [found.tolist() for found in session.arrays(cmd, **parameters)]


def test_upload_and_download(session: Session) -> None:
    data = b"".join(r + b"\0" for r in RAW) + b"\xff\xfe\0"
    reply = msgspec.json.decode(session.frame("arraySegString<uint8>", data, size=len(data)))["msg"]
    first, second = reply.split("+")
    assert first.split()[2:] == ["str", "8", "1", "[8]", "1"]
    assert second == f"created bytes.size {len(data)}"
    name = first.split()[1]
    assert session.frame("segStr-tondarray", obj=name, comp="values") == data
    offsets = np.frombuffer(session.frame("segStr-tondarray", obj=name, comp="offsets"), np.int64)
    assert [data[o:].split(b"\0")[0] for o in offsets] == [*RAW, b"\xff\xfe"]
    parts = [
        session.text("getSegStringProperty", obj=name, property=p).split()[1] for p in ("get_offsets", "get_bytes")
    ]
    assert strings(session, "segStr-assemble", offsets=parts[0], values=parts[1]) == [[*RAW, b"\xff\xfe"]]
    assert session.frame("segStr-tondarray", obj=name, comp="colour").startswith(b"Error: ")
    assert b"expected" not in session.frame("arraySegString<uint8>", b"", size=0)


def test_one_string_is_escaped_as_the_client_reads_it(session: Session) -> None:
    name = session.put(ITEMS)
    for i, item in enumerate(ITEMS):
        text = session.text("segmentedIndex", subcmd="intIndex", objType="Strings", dtype="str", obj=name, key=i)
        kind, dtype, quoted = text.split(" ", 2)
        assert (kind, dtype, quoted[0], quoted[-1]) == ("item", "str", '"', '"')
        assert quoted[1:-1].replace("\\\\", "\0").replace('\\"', '"').replace("\0", "\\") == item


def test_indexing(session: Session) -> None:
    name = session.put(ITEMS)

    def index(subcmd: str, key: object) -> list[bytes]:
        return strings(session, "segmentedIndex", subcmd=subcmd, obj=name, key=key)[0]

    assert index("sliceIndex", [1, 6, 2]) == RAW[1:6:2]
    assert index("sliceIndex", [6, -1, -3]) == RAW[6::-3]
    assert index("pdarrayIndex", session.put(np.array([3, 3, 0]))) == [RAW[3], RAW[3], RAW[0]]
    assert index("pdarrayIndex", session.put(np.array([6], np.uint64))) == [RAW[6]]
    mask = np.array([i % 2 == 0 for i in range(7)])
    assert index("pdarrayIndex", session.put(mask)) == RAW[::2]
    for subcmd, key in (("intIndex", 7), ("sliceIndex", [0, 9, 1]), ("pdarrayIndex", session.put(np.array([7])))):
        assert "index out of bounds" in session.error("segmentedIndex", subcmd=subcmd, obj=name, key=key)
    assert "float64" in session.error("segmentedIndex", subcmd="pdarrayIndex", obj=name, key=session.put(np.ones(1)))


def test_comparing_sticking_and_choosing(session: Session) -> None:
    name, other = session.put(ITEMS), session.put(ITEMS[::-1])
    equal = session.array("segmentedBinopvv", op="==", obj=name, other=other, left=False, delim="")
    assert equal.tolist() == [a == b for a, b in zip(ITEMS, ITEMS[::-1], strict=True)]
    unequal = session.array("segmentedBinopvs", op="!=", obj=name, otherType="str", other="hello")
    assert unequal.tolist() == [i != "hello" for i in ITEMS]
    stuck = strings(session, "segmentedBinopvv", op="stick", obj=name, other=other, left=True, delim="-é-")
    assert stuck == [[(b + "-é-" + a).encode() for a, b in zip(ITEMS, ITEMS[::-1], strict=True)]]
    text = session.error("segmentedBinopvv", op="==", obj=name, other=session.put(["a"]), left=False, delim="")
    assert "The String arrays must be the same size" in text
    condition = session.put(unequal)
    lengths = session.put(np.zeros(7, np.int64))
    chosen = {"seg_str": name, "condition": condition, "new_lens": lengths}
    assert strings(session, "segmentedWhere", other="none", is_str_literal=True, **chosen) == [
        [i if keep else b"none" for i, keep in zip(RAW, unequal, strict=True)]
    ]
    assert strings(session, "segmentedWhere", other=other, is_str_literal=False, **chosen) == [
        [i if keep else j for i, j, keep in zip(RAW, RAW[::-1], unequal, strict=True)]
    ]


def test_joining_and_grouping(session: Session) -> None:
    name, other = session.put(ITEMS), session.put(["x", "hello"])
    assert strings(session, "concatenateStr", objType="Strings", names=[name, other], mode="append") == [
        [*RAW, b"x", b"hello"]
    ]
    assert sorted(strings(session, "concatenateUniquely", names=[name, other])[0]) == sorted({*RAW, b"x"})
    order = session.array("segmentedGroup", objType="Strings", obj=name)
    grouped = [ITEMS[i] for i in order]
    assert sorted(order.tolist()) == list(range(7))
    assert abs(grouped.index("hello") - (6 - grouped[::-1].index("hello"))) == 1
    assert strings(session, "flipString", obj=name) == [RAW[::-1]]


def test_letters_and_substrings(session: Session) -> None:
    name = session.put(ITEMS)
    assert strings(session, "caseChange", subcmd="toUpper", objType="Strings", obj=name) == [
        [i.upper().encode() for i in ITEMS]
    ]
    assert session.array("checkChars", subcmd="isalpha", objType="Strings", obj=name).tolist() == [
        i.isalpha() for i in ITEMS
    ]
    assert session.array("segmentLengths", objType="Strings", obj=name).tolist() == [len(r) for r in RAW]
    assert strings(session, "segmentedStrip", objType="Strings", name=name, chars="he") == [
        [r.strip(b"he") for r in RAW]
    ]
    wanted = {"name": name, "nChars": 2, "returnOrigins": True, "kind": "suffixes", "proper": True}
    found, origins = session.arrays("segmentedSubstring", objType="Strings", **wanted)
    assert found.tolist() == [r[-2:] for r in RAW if len(r) > 2]
    assert origins.tolist() == [len(r) > 2 for r in RAW]
    for cmd, key in (("caseChange", "toBold"), ("checkChars", "isnice")):
        assert key in session.error(cmd, subcmd=key, objType="Strings", obj=name)


def test_numbers_and_encodings(session: Session) -> None:
    offsets, values = session.arrays("castToStrings<int64>", name=session.put(np.array([5, -12])))
    assert (offsets.tolist(), values.tobytes()) == ([0, 2], b"5\0-12\0")
    name = session.put(["1", "x"])
    assert session.array("castStringsTo<float64>", name=session.put(["1.5", "2"]), opt="strict").tolist() == [1.5, 2]
    assert "1 of 2 strings are no int64" in session.error("castStringsTo<int64>", name=name, opt="strict")
    assert session.array("castStringsTo<int64>", name=name, opt="ignore").tolist() == [1, -(2**63)]
    numbers, valid = session.arrays("castStringsTo<int64>", name=name, opt="return_validity")
    assert (numbers.tolist(), valid.tolist()) == ([1, -(2**63)], [True, False])
    coded = strings(session, "encode", obj=session.put(["münchen"]), toEncoding="IDNA", fromEncoding="UTF-8")
    assert coded == [[b"xn--mnchen-3ya"]]


def test_hashes(session: Session) -> None:
    name = session.put(["a", "b", "a"])
    upper, lower = session.arrays("segmentedHash", objType="Strings", obj=name)
    assert upper[0] == upper[2] != upper[1]
    codes = session.put(np.array([1, 1, 0]))

    def announced(cmd: str, **parameters: object) -> list[list[int]]:
        lines = json.loads(session.text(cmd, **parameters))
        return [session.get(lines[key].split()[1]).tolist() for key in ("upperHash", "lowerHash")]

    expected = [[h[1], h[1], h[0]] for h in (upper.tolist(), lower.tolist())]
    assert announced("categoricalHash", objType="Categorical", categories=name, codes=codes) == expected
    columns = [json.dumps({"categories": name, "codes": codes}), name]
    both = announced("hashList", nameslist=columns, typeslist=["Categorical", "Strings"], length=2, size=3)
    assert both[0][0] != both[0][1]
    segments = {"segments": session.put(np.array([0, 2])), "values": session.put(np.array([1, 2, 1]))}
    kind = json.dumps({**segments, "valObjType": "pdarray"})
    of_list = announced("hashList", nameslist=[kind], typeslist=["SegArray"], length=1, size=2)
    alone = session.arrays("segmentedHash", objType="SegArray", valObjType="pdarray", **segments)
    assert [a.tolist() for a in alone] == of_list


# --- patterns --------------------------------------------------------------------------------------------------------


def test_patterns(session: Session) -> None:
    name = session.put(["a1b22", "", "c", "333é4"])
    assert session.array("segmentedSearch", obj=name, valType="str", val="[0-9]").tolist() == [1, 0, 0, 1]
    reply = json.loads(
        session.text("segmentedFindLoc", objType="Matcher", parent_name=name, groupNum=0, pattern="[0-9]+")
    )
    found = {key: line.split()[1] for key, line in reply.items()}
    contents = {key: session.get(symbol).tolist() for key, symbol in found.items()}
    assert contents["NumMatches"] == [2, 0, 0, 2]
    assert contents["Starts"] == [1, 3, 0, 5]
    assert contents["Lens"] == [1, 2, 3, 1]
    assert contents["Indices"] == [0, 2, 2, 2]
    assert contents["SearchInd"] == [0, 1, 1, 1]
    located = {"num_matches": found["NumMatches"], "starts": found["Starts"], "lengths": found["Lens"]}
    parts = {"objType": "Matcher", "parent_name": name, "indices": found["Indices"], **located}
    matches, origins = session.arrays("segmentedFindAll", rtn_origins=True, **parts)
    assert (matches.tolist(), origins.tolist()) == ([b"1", b"22", b"333", b"4"], [0, 0, 3, 3])
    text = session.error("segmentedSearch", obj=name, valType="str", val="(")
    assert "re2 could not compile pattern: (" in text


def test_splitting_replacing_and_peeling(session: Session) -> None:
    name = session.put(["a_b_c", "", "_", "x.y"])
    flat, segments = session.arrays("segmentedFlatten", values=name, return_segs=True, regex=False, delim="_")
    assert (flat.tolist(), segments.tolist()) == ([b"a", b"b", b"c", b"", b"", b"", b"x.y"], [0, 3, 4, 6])
    parts = strings(session, "segmentedSplit", parent_name=name, max=1, return_segs=False, pattern="[_.]")
    assert parts == [[b"a", b"b_c", b"", b"", b"", b"x", b"y"]]
    asked = {"obj": name, "repl": "\\0", "count": 0, "rtn_num_subs": True, "pattern": "_"}
    changed, counts = session.arrays("segmentedSub", objType="Matcher", **asked)
    assert (changed.tolist(), counts.tolist()) == ([b"a\\0b\\0c", b"", b"\\0", b"x.y"], [2, 0, 1, 0])
    how = {"times": 1, "id": False, "keepPartial": False, "lStr": False, "regex": False, "delim": "_"}
    left, right = session.arrays("segmentedPeel", subcmd="peel", obj=name, **how)
    assert (left.tolist(), right.tolist()) == ([b"a_b", b"", b"", b"x.y"], [b"c", b"", b"", b""])
    assert "Cannot flatten with empty delimiter" in session.error(
        "segmentedFlatten", values=name, return_segs=False, regex=False, delim=""
    )
