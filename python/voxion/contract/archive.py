"""The zip archive that a model file is: its contract and its hash, read without loading the model.

Loading TorchScript runs code that the file brings, so whoever only wants to know what a model is
reads this way. cpp/core/model_archive.cpp checks the same rules.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path

from voxion.errors import VoxionError

CONTRACT_FILE = "voxion.json"
MAX_CONTRACT_BYTES = 2**20
MAX_ENTRIES = 100_000
MAX_UNPACKED_BYTES = 2**26  # of what is deflated, which is code: weights are stored as they are


def read_contract_text(path: str | Path, exporters: str) -> str:
    """Return the text of the `voxion.json` in a model file.

    Every entry of the archive is compared with its checksum, since torch reads damaged archives as
    if they were whole.

    Parameters
    ----------
    path : str or Path
        TorchScript archive or AOTInductor package.
    exporters : str
        Commands that write such files, for messages.

    Returns
    -------
    str

    Raises
    ------
    VoxionError
        No such file, no whole archive, or no contract in it.
    """
    _require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            content = _checked_contract(archive)
    # what the zip library raises for damaged files, and what _Damaged says
    except (_Damaged, zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError,
            RuntimeError, OSError) as error:  # fmt: skip
        raise VoxionError(
            f"Model file {path} is not a whole TorchScript archive or package: {_one_line(error)}; "
            f"copy it again, or make one with {exporters}."
        ) from None
    if content is None:
        raise VoxionError(
            f"Model {path}: it is an archive, but carries no {CONTRACT_FILE}; export the model "
            f"again with {exporters}."
        )
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise VoxionError(
            f"Model {path}: its {CONTRACT_FILE} is not UTF-8 text; export the model again with "
            f"{exporters}."
        ) from None


def file_hash(path: str | Path) -> str:
    """Return "sha256:" and the hexadecimal SHA-256 of a file's bytes.

    Raises
    ------
    VoxionError
        No such file, or it cannot be read.
    """
    _require_file(path)
    try:
        return f"sha256:{hashlib.sha256(Path(path).read_bytes()).hexdigest()}"
    except OSError as error:
        raise VoxionError(f"Model file {path} cannot be read: {error.strerror}.") from None


class _Damaged(Exception):
    """Why an archive is not used."""


def _require_file(path: str | Path) -> None:
    if not Path(path).is_file():
        problem = "it is not a file" if Path(path).exists() else "no such file"
        raise VoxionError(f"Model file {path} cannot be read: {problem}.")


def _checked_contract(archive: zipfile.ZipFile) -> bytes | None:
    """Return the contract of an archive whose entries are as they were written, None without."""
    entries = archive.infolist()
    if not 1 <= len(entries) <= MAX_ENTRIES:
        raise _Damaged(f"it has {len(entries)} entries")
    folder = entries[0].filename.partition("/")[0] + "/"
    if not all(entry.filename.startswith(folder) for entry in entries):
        raise _Damaged("it is damaged: its entries are not in one folder")
    if len({entry.filename for entry in entries}) < len(entries):
        raise _Damaged("it is damaged: it has two entries of one name")
    _check_sizes(entries)
    contract = None
    for entry in entries:
        is_contract = entry.filename == f"{folder}extra/{CONTRACT_FILE}"
        if is_contract and entry.file_size > MAX_CONTRACT_BYTES:
            raise _Damaged(
                f"its {CONTRACT_FILE} has {entry.file_size} bytes, at most {MAX_CONTRACT_BYTES} "
                "are read"
            )
        content = archive.read(entry)  # compares the checksum
        if is_contract:
            contract = content
    return contract


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    unpacked = 0
    for entry in entries:
        if entry.flag_bits & 1 or entry.compress_type not in (0, zipfile.ZIP_DEFLATED):
            raise _Damaged("it is damaged: an entry of it is neither stored nor deflated")
        if entry.compress_type == zipfile.ZIP_DEFLATED:
            unpacked += entry.file_size
        elif entry.file_size != entry.compress_size:
            raise _Damaged("it is damaged: the sizes of an entry contradict each other")
    if unpacked > MAX_UNPACKED_BYTES:
        raise _Damaged(f"its packed entries unpack to more than {MAX_UNPACKED_BYTES >> 20} MiB")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(c if c.isprintable() else "?" for c in text[:200])
