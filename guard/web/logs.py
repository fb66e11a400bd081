"""How this process writes its log: one line an event, JSON for machines or text for people, to the stream that it is given.

What other libraries log through `logging` comes out in the same form. Nobody but the composition root calls this.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

LOG_FORMATS = ("json", "text")
# The gate writes its own line a request; this one would show queries and peers.
_SILENT = ("uvicorn.access",)


def configure_log(log_format: str, stream: TextIO, *, level: int = logging.INFO) -> None:
    """Send every log line to the stream in this format, from now on."""
    if log_format not in LOG_FORMATS:
        raise ValueError("log_format is neither json nor text")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
    ]
    renderer = _to_renderer(log_format)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    _configure_libraries(shared, renderer, stream, level)


def _to_renderer(log_format: str) -> Processor:
    if log_format == "text":
        return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(serializer=_to_line)


def _to_line(content: Any, **_: Any) -> str:
    return json.dumps(content, ensure_ascii=True, separators=(",", ":"), default=str)


def _configure_libraries(shared: Sequence[Processor], renderer: Processor, stream: TextIO, level: int) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Clients of other services log whole addresses at the level of information.
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(level)
    for name in _SILENT:
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = False
        logging.getLogger(name).disabled = True
