"""Logs: one JSON object a line on standard error, whatever library speaks."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import msgspec
import structlog

from arkserver.settings import LogLevel

_LEVELS = {LogLevel.WARN: logging.WARNING}


def configure(level: LogLevel) -> None:
    """Set up the logs of this process."""
    number = _LEVELS.get(level) or getattr(logging, level.value)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[_Forward()], force=True)
    for library in ("distributed", "bokeh", "tornado"):  # they set levels of their own
        logging.getLogger(library).setLevel(max(number, logging.WARNING))


def write_line(event: dict[str, object]) -> None:
    """Write one line of level info past the pipeline of processors.

    For the line of each request: it is written thousands of times a second and needs none of the processors.
    """
    stream = sys.stderr.buffer
    stream.write(msgspec.json.encode({**event, "level": "info", "timestamp": datetime.now(UTC)}) + b"\n")
    stream.flush()


def _json(event: object, **_: object) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


class _Forward(logging.Handler):
    """What libraries log through the standard library, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on."""
        exc = record.exc_info if record.exc_info and record.exc_info[0] else None
        structlog.get_logger(record.name).log(record.levelno, record.getMessage(), exc_info=exc)
