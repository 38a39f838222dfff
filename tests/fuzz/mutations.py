"""Ways in which files are damaged: by accident (bytes, lines) and on purpose (values)."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np

ABSURD_NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 2, 1.5, -0.0, 1e-300, 1e300, -1e300, 1e999, 2**31, 2**32 + 1, 2**63 - 1, 2**63, 2**64,
    10**24, -(10**24), float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
ABSURD_TEXTS = (
    "", " ", "0", "x" * 5000, "\n", "\x00", "é", "\u202e", "\ud800", "NaN", "1e999", "../../x",
)  # fmt: skip


def damaged_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the bytes with one to four accidents: flips, cuts, gaps, repeats, insertions."""
    for _ in range(rng.integers(1, 5)):
        if not data:
            return bytes(rng.integers(0, 256, 16, dtype=np.uint8))
        start = int(rng.integers(len(data)))
        length = int(rng.integers(1, 1 + min(64, len(data) - start)))
        noise = bytes(rng.integers(0, 256, length, dtype=np.uint8))
        match rng.integers(6):
            case 0:
                flipped = data[start] ^ (1 << int(rng.integers(8)))
                data = data[:start] + bytes([flipped]) + data[start + 1 :]
            case 1:
                data = data[:start]
            case 2:
                data = data[:start] + data[start + length :]
            case 3:
                data = data[: start + length] + data[start:]
            case 4:
                data = data[:start] + noise + data[start:]
            case _:
                data = data[:start] + noise + data[start + length :]
    return data


def damaged_text(text: str, rng: np.random.Generator) -> str:
    """Return the text with one to three words or lines that are not what was written there."""
    lines = text.splitlines()
    for _ in range(rng.integers(1, 4)):
        if not lines:
            break
        n = int(rng.integers(len(lines)))
        words = lines[n].split(" ")
        match rng.integers(5):
            case 0:
                words[rng.integers(len(words))] = _absurd_word(rng)
                lines[n] = " ".join(words)
            case 1:
                del words[rng.integers(len(words))]
                lines[n] = " ".join(words)
            case 2:
                del lines[n]
            case 3:
                lines.insert(n, lines[rng.integers(len(lines))])
            case _:
                lines = lines[:n]
    return "\n".join(lines) + "\n"


def _absurd_word(rng: np.random.Generator) -> str:
    pool = [str(number) for number in ABSURD_NUMBERS] + list(ABSURD_TEXTS)
    return pool[rng.integers(len(pool))]


def damaged_json(value: Any, rng: np.random.Generator) -> Any:
    """Return a copy of a parsed JSON value in which one to three places are damaged."""
    value = copy.deepcopy(value)
    for _ in range(rng.integers(1, 4)):
        places = list(_places(value))
        if not places:
            return _absurd_value(rng, value)
        container, key = places[rng.integers(len(places))]
        match rng.integers(4):
            case 0:
                del container[key]
            case 1 if isinstance(container, dict):
                container[f"{key}_"] = container.pop(key)
            case 1:
                container.extend([container[key]] * int(rng.integers(1, 100)))
            case _:
                container[key] = _absurd_value(rng, container[key])
    return value


def json_text(value: Any) -> str:
    """Return JSON, with the numbers that JSON has no word for as Python writes them."""
    return json.dumps(value).replace("Infinity", "1e999")


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    found: list[tuple[Any, Any]] = []
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            found += _places(value[key])
    return found


def _absurd_value(rng: np.random.Generator, old: Any) -> Any:
    match rng.integers(8):
        case 0:
            return None
        case 1:
            return bool(rng.integers(2))
        case 2:
            return [old]
        case 3:
            return {"value": old}
        case 4:
            return [] if rng.integers(2) else {}
        case 5:
            return ABSURD_TEXTS[rng.integers(len(ABSURD_TEXTS))]
        case _:
            number = ABSURD_NUMBERS[rng.integers(len(ABSURD_NUMBERS))]
            scaled = isinstance(old, int | float) and not isinstance(old, bool)
            return old * 10.0 ** rng.integers(-3, 12) if scaled and rng.integers(3) == 0 else number
