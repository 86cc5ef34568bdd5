"""What the checker of FLOIP containers tells."""

from dataclasses import dataclass
from typing import Final

ERROR: Final = "error"
WARNING: Final = "warning"


@dataclass(frozen=True, slots=True)
class FloipFinding:
    """One thing found. `block` is the block's name, empty when it is about a flow or the container."""

    level: str
    block: str
    message: str


def error(block: str, message: str) -> FloipFinding:
    """The container cannot be run as it was meant, or is none of rc4."""
    return FloipFinding(ERROR, block, message)


def warning(block: str, message: str) -> FloipFinding:
    """It runs, but probably not as it was meant, or not everywhere."""
    return FloipFinding(WARNING, block, message)
