"""The one tree of errors.

::

    ArkserverError
      RequestError (ValueError)          the request cannot be read: frames, JSON, parameters
        UnknownCommandError (LookupError)
      AuthenticationError (PermissionError)
      UnknownSymbolError (KeyError)      a name that the symbol table does not hold
      RegistrationError (ValueError)     a registry name that is taken
      UnsupportedError (TypeError)       an operation that these dtypes or ranks do not have
      ArgumentError (ValueError)         a value that the operation does not accept
      MemoryLimitError (MemoryError)     the request would not fit; nothing was allocated
      CancelledError (RuntimeError)       somebody cancelled the running command
      StorageError (OSError)             a file that cannot be read or written
      TransferError (ConnectionError)    another server that does not answer, or not as it should
      WorkerLostError (RuntimeError)     a worker went away and the work could not be repeated
      ConfigurationError (ValueError)    settings that cannot work; the command line exits with 2
      IntegrationError (RuntimeError)    the system around the server refused or did not answer

Each is also the built-in error that a caller would expect. ``code`` is stable and may be logged and counted.
"""

from __future__ import annotations

from typing import ClassVar


class ArkserverError(Exception):
    """Base of every error that arkserver raises on purpose."""

    code: ClassVar[str] = "error"

    def __str__(self) -> str:
        # KeyError would quote its text.
        return str(self.args[0]) if self.args else ""


class RequestError(ArkserverError, ValueError):
    """The request cannot be read."""

    code = "request"


class UnknownCommandError(RequestError, LookupError):
    """No such command, or not for these dtypes and ranks."""

    code = "unknown-command"


class AuthenticationError(ArkserverError, PermissionError):
    """The token is missing or wrong."""

    code = "authentication"


class UnknownSymbolError(ArkserverError, KeyError):
    """A name that the symbol table does not hold."""

    code = "unknown-symbol"


class RegistrationError(ArkserverError, ValueError):
    """A registry name that is taken or an object that cannot be registered."""

    code = "registration"


class UnsupportedError(ArkserverError, TypeError):
    """The operation does not exist for these dtypes or ranks."""

    code = "unsupported"


class ArgumentError(ArkserverError, ValueError):
    """A value that the operation does not accept."""

    code = "argument"


class MemoryLimitError(ArkserverError, MemoryError):
    """The request would not fit into the memory limit; nothing was allocated."""

    code = "memory-limit"


class CancelledError(ArkserverError, RuntimeError):
    """Somebody cancelled the running command."""

    code = "cancelled"


class StorageError(ArkserverError, OSError):
    """A file that cannot be read or written."""

    code = "storage"


class TransferError(ArkserverError, ConnectionError):
    """Another server did not answer, or not as it should."""

    code = "transfer"


class WorkerLostError(ArkserverError, RuntimeError):
    """A worker went away and the work could not be repeated."""

    code = "worker-lost"


class ConfigurationError(ArkserverError, ValueError):
    """Settings that cannot work."""

    code = "configuration"


class IntegrationError(ArkserverError, RuntimeError):
    """The system around the server refused or did not answer."""

    code = "integration"


def codes(kind: type[ArkserverError] = ArkserverError) -> list[str]:
    """The code of every kind of error."""
    return [kind.code, *(code for k in kind.__subclasses__() for code in codes(k))]
