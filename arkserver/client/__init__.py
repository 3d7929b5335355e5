"""The Python client: numpy, pyzmq and msgspec are all that it imports.

>>> import arkserver.client as ak                       # doctest: +SKIP
>>> session = ak.connect("tcp://localhost:5555")        # doctest: +SKIP
>>> x = session.arange(10) ** 2                         # doctest: +SKIP
>>> x[x > 20].mean()                                    # doctest: +SKIP
"""

from arkserver.client.arrays import Array
from arkserver.client.errors import (
    AddressError,
    ClientError,
    ConnectionLostError,
    ServerError,
    ServerUnreachableError,
    SessionClosedError,
)
from arkserver.client.frame import DataFrame
from arkserver.client.groupby import GroupBy
from arkserver.client.session import Session, connect
from arkserver.client.strings import Strings

__all__ = [
    "AddressError",
    "Array",
    "ClientError",
    "ConnectionLostError",
    "DataFrame",
    "GroupBy",
    "ServerError",
    "ServerUnreachableError",
    "Session",
    "SessionClosedError",
    "Strings",
    "connect",
]
