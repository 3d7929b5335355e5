"""Every value travels as text: reading it back gives the value, or an error that says what was wrong."""

from __future__ import annotations

import contextlib
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkserver.engine.values import BIGINT, DTYPES
from arkserver.errors import ArgumentError, RequestError
from arkserver.wire import parameters as wire
from arkserver.wire.envelope import decode_parameters, decode_request, encode_reply
from arkserver.wire.parameters import Scalar


@given(st.integers(-(2**63), 2**64 - 1))
def test_integers(value: int) -> None:
    assert wire.parse_int(str(value)) == value
    assert int(Scalar(str(value), "uint64").value()) == value % 2**64
    assert int(Scalar(str(value), "int64").value()) == (value + 2**63) % 2**64 - 2**63
    assert wire.parse_scalar(str(value), BIGINT) == value


@given(st.floats(allow_nan=True))
def test_floats(value: float) -> None:
    back = wire.parse_float(str(value))
    assert back == value or (math.isnan(back) and math.isnan(value))


@pytest.mark.parametrize(
    ("text", "value"), [("True", True), ("false", False), ("0", False), ("3", True), ("0.0", False)]
)
def test_bools(text: str, value: bool) -> None:
    assert wire.parse_bool(text) is value


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_lists_quoted_or_not_with_or_without_blanks(values: list[int]) -> None:
    expected = tuple(values)
    assert wire.parse_ints(json.dumps(values)) == expected
    assert wire.parse_ints(json.dumps(values, separators=(",", ":"))) == expected
    assert wire.parse_ints(json.dumps([str(v) for v in values])) == expected
    assert wire.parse_ints(str(expected)) == expected


def test_a_bare_number_is_a_list_of_one() -> None:
    assert wire.parse_ints(" 7 ") == (7,)
    assert wire.parse_ints("[5,]") == (5,)
    assert wire.parse_ints("[]") == ()


@given(st.lists(st.text()))
def test_texts_with_any_character(values: list[str]) -> None:
    assert wire.parse_strings(json.dumps(values, ensure_ascii=False)) == values


@pytest.mark.parametrize("text", ["", "x", "1e400x", "[1", "--3"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="is not"):
        wire.parse_int(text)


def test_infinity_is_no_integer() -> None:
    with pytest.raises(RequestError, match="is not an integer"):
        wire.parse_int("inf")


@pytest.mark.parametrize("name", DTYPES)
def test_a_scalar_has_the_dtype_that_it_says(name: str) -> None:
    value = Scalar("1", name).value()
    assert value == 1
    assert name == "bigint" or value.dtype == DTYPES[name]


def test_a_scalar_of_no_dtype_is_refused() -> None:
    with pytest.raises(RequestError, match="dtype complex128"):
        Scalar("1", "complex128").value()


@pytest.mark.parametrize(("axis", "ndim", "value"), [(0, 1, 0), (-1, 3, 2), (2, 3, 2)])
def test_axes_count_from_either_end(axis: int, ndim: int, value: int) -> None:
    assert wire.normalise_axis(axis, ndim) == value


@pytest.mark.parametrize(("axis", "ndim"), [(1, 1), (-2, 1), (0, 0)])
def test_an_axis_that_is_not_there(axis: int, ndim: int) -> None:
    with pytest.raises(ArgumentError, match="Parameter cannot be cast as a positive int in the range"):
        wire.normalise_axis(axis, ndim)


# --- envelope --------------------------------------------------------------------------------------------------------

frames = st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["cmd", "args", "user", "size"]), inner)
    ),
    max_leaves=8,
).map(lambda v: json.dumps(v).encode())


@given(frames)
def test_any_frame_is_a_request_or_a_request_error(frame: bytes) -> None:
    with contextlib.suppress(RequestError):
        decode_parameters(decode_request(frame).args)


def test_the_marker_of_a_payload_is_taken_off() -> None:
    assert decode_request(b'{"cmd":"array<int64,1>"}BINARY_PAYLOAD').cmd == "array<int64,1>"


def test_of_two_parameters_with_one_name_the_first_counts() -> None:
    texts = [json.dumps({"key": "include_initial", "dtype": "bool", "val": v}) for v in ("True", "False")]
    parameters = decode_parameters(json.dumps(texts))
    assert parameters["includeInitial"].val == "True"
    assert "INCLUDE_INITIAL" in parameters
    assert len(parameters) == 1
    with pytest.raises(RequestError, match="JSON argument key Not Found: axis"):
        parameters["axis"]


def test_a_reply_is_json_whatever_its_text() -> None:
    reply = json.loads(encode_reply('quote " slash \\ line\n \ud800', "NORMAL", "me"))
    assert reply["msgType"] == "NORMAL"
    assert reply["msg"].startswith('quote " slash \\ line\n ')
    assert np.array_equal(sorted(reply), sorted(["msg", "msgType", "msgFormat", "user", "payload"]))
