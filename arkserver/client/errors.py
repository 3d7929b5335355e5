"""The errors of the client.

::

    ClientError
      ServerError (RuntimeError)               the server answered with an error; its text
      ServerUnreachableError (ConnectionError) no server answers at the address
      ConnectionLostError (ConnectionError)    the server went away before it answered
      SessionClosedError (RuntimeError)        the session was closed or the server was shut down
      AddressError (ValueError)                a URL that names no server

What is wrong with an argument is raised as NumPy raises it: TypeError, ValueError, IndexError, OverflowError.
"""

from __future__ import annotations


class ClientError(Exception):
    """Base of the client's own errors."""


class ServerError(ClientError, RuntimeError):
    """The server answered with an error."""


class ServerUnreachableError(ClientError, ConnectionError):
    """No server answers at the address."""


class ConnectionLostError(ClientError, ConnectionError):
    """The server went away, or gave no sign of life, before it answered."""


class SessionClosedError(ClientError, RuntimeError):
    """The session was closed or the server was shut down."""


class AddressError(ClientError, ValueError):
    """A URL that names no server."""
