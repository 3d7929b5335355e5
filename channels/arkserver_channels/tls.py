"""TLS contexts. A peer is always verified; there is no switch to turn that off."""

from __future__ import annotations

import ssl

from arkserver_channels.types import ChannelOptions, ChannelOptionsError

Stamp = tuple[tuple[int, int, int], ...]
"""What identifies the state of the certificate files on the disk."""


def client_context(options: ChannelOptions) -> ssl.SSLContext:
    """Make the context from the options' files; the system's authorities where no CA file is given.

    Raises
    ------
    ChannelOptionsError
        A file is missing or is not what it should be; the text names it.
    """
    what = f"CA file {options.ca_file}"
    try:
        context = ssl.create_default_context(cafile=options.ca_file)
        if options.cert_file:
            what = f"client certificate {options.cert_file} with key {options.key_file or options.cert_file}"
            context.load_cert_chain(options.cert_file, options.key_file)
    except OSError as error:  # ssl.SSLError is one too
        raise ChannelOptionsError(f"cannot use {what}: {error.strerror or error}") from error
    if options.key_file and not options.cert_file:
        raise ChannelOptionsError(f"key file {options.key_file} is given without its certificate file")
    return context


def stamp(options: ChannelOptions) -> Stamp:
    """Tell one state of the certificate files from another, so that renewed certificates come into use."""
    files = [file for file in (options.ca_file, options.cert_file, options.key_file) if file and file.exists()]
    states = (file.stat() for file in files)
    return tuple((state.st_ino, state.st_mtime_ns, state.st_size) for state in states)


def untrusted(error: BaseException) -> str | None:
    """Return why the peer's certificate was refused, if that is what `error` is about."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        cause = cause.__cause__ or cause.__context__
    return None
