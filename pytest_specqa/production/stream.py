"""Forward reading of FITS files: nothing beyond the last wanted HDU is read, let alone inflated."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import numpy as np
from isal import igzip
from numpy.typing import NDArray

from pytest_specqa.errors import ProductError
from pytest_specqa.opening import State, open_regular, require_unchanged, state
from pytest_specqa.production.bintable import row_dtype, unpack_table
from pytest_specqa.production.defects import COPY, defect, one_line
from pytest_specqa.production.headers import CARD, MAX_NAME, Header, parse_header
from pytest_specqa.production.images import BITPIX, image_dtype, unpack_added, unpack_image
from pytest_specqa.production.sizes import MAX_HEADER_BLOCKS, check_given, check_headers, check_inflated, check_kept
from pytest_specqa.production.sums import MODULUS, check_data, check_header, has_checksum, has_sum, word_sum
from pytest_specqa.values import Verified

BLOCK = 2880
MAX_HDUS = 200
# DEFLATE cannot pack more than 1032 bytes into one, so a larger declaration is false whatever follows.
MAX_INFLATION = 1032
SKIP_CHUNK = 1 << 22
GZIP_MAGIC = b"\x1f\x8b"

_MALFORMED = (KeyError, TypeError, ValueError, IndexError, OverflowError)


@dataclass(frozen=True)
class HDU:
    """One header-data unit at which a `FitsStream` stands.

    Attributes
    ----------
    name : str
        EXTNAME in capitals; empty where there is none.
    header : Mapping
        Keywords and values.
    table : bool
        Whether it is a binary table.
    shape : tuple of int
        Numpy shape of an image; (rows,) of a table.
    dtype : numpy.dtype
        Native type that `FitsStream.read` gives for an image; for a table the type of its rows on disk.
    nbytes : int
        Size of the data on disk without padding.
    start : int
        Offset of the data in the inflated file.
    """

    name: str
    header: Header
    table: bool
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    nbytes: int
    start: int

    @property
    def end(self) -> int:
        """Offset of the next header."""
        return self.start + -(-self.nbytes // BLOCK) * BLOCK


class FitsStream:
    """Walk over the HDUs of a ``.fits`` or ``.fits.gz`` file, in order, once.

    Gzip is recognised by its first bytes, not by the name. Sizes come from the headers, and no more than they declare is ever read
    or inflated; a declaration that the file cannot hold, or that no product has, is refused before any memory is taken for it. A
    file that another process writes to, replaces or removes meanwhile is named at the end of the ``with`` block.

    Where an HDU has DATASUM or CHECKSUM, it must be what they say, packed or not: every header that is passed, since it says where
    the next one lies, and the data that are read.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    position : int
        Bytes of the (inflated) file that have been passed so far.
    names : list of str
        Names of the HDUs seen so far.
    content : str
        Name and sums of header and data of each HDU that was read and has sums.
    state : pytest_specqa.opening.State
        What tells this content of the file from another one.
    """

    _header_sum = 0
    _ending = _ended = False
    _summed: tuple[bool, ...] = ()
    content = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0
        self.names: list[str] = []
        self._hdu: HDU | None = None
        self._trailing = False
        self._kept = self._header_blocks = 0
        with one_line(path):
            self._file = open_regular(path)
            try:
                self.state = state(self._file)
                self._disk_size = self.state.size
                self.gzipped = self._file.read(2) == GZIP_MAGIC
                self._file.seek(0)
            except OSError:
                self._file.close()
                raise
        self._source: BinaryIO = _inflating(self._file, path) if self.gzipped else self._file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            # A file in the making looks like a truncated one.
            if error is None or isinstance(error, ProductError):
                self.require_state(self.state)
        finally:
            self._file.close()

    def __iter__(self) -> Iterator[HDU]:
        while (hdu := self.advance()) is not None:
            yield hdu

    def require_state(self, before: State) -> None:
        """Raise `ProductError` unless the file is what it was when another part of it was read."""
        with one_line(self.path):
            require_unchanged(self.path, self._file, before)

    def advance(self) -> HDU | None:
        """Go to the next HDU.

        Returns
        -------
        HDU or None
            ``None`` after the last one; what follows it is not looked at.

        Raises
        ------
        ProductError
            If the file is truncated, corrupt, or no FITS file, or the header is not what its CHECKSUM says.
        """
        with one_line(self.path):
            if self._hdu is not None:
                self._skip(self._hdu.end - self.position)
            header = self._read_header()
            if header is None:
                return None
            self._hdu = self._describe(header)
        self.names.append(self._hdu.name or f"#{len(self.names)}")
        if not self._ending:
            check_header(self.path, self.names[-1], self._hdu.header, empty=not self._hdu.nbytes, header_sum=self._header_sum)
        if len(self.names) > MAX_HDUS:
            raise defect(self.path, None, found=f"more than {MAX_HDUS} HDUs", expected="a spectroscopic product")
        return self._hdu

    def read(self, hdu: HDU) -> NDArray[Any]:
        """Read the data of the HDU at which the stream stands.

        Parameters
        ----------
        hdu : HDU
            What `advance` gave last.

        Returns
        -------
        numpy.ndarray
            Native-endian and writable: an image, or the structured rows of a table (text as bytes).

        Raises
        ------
        ProductError
            If they are cut off, or not what their DATASUM or CHECKSUM says.
        """
        if hdu is not self._hdu or self.position != hdu.start:
            raise ValueError(f"the stream has passed the data of HDU {hdu.name}")
        self._kept = check_kept(self.path, hdu, kept=self._kept)
        rows_only = hdu.shape[0] * hdu.dtype.itemsize
        with one_line(self.path):
            raw = self._take(min(rows_only, hdu.nbytes) if hdu.table else hdu.nbytes, hdu.name)
        try:
            values, total = _unpacked(raw, hdu)
        except _MALFORMED as error:
            raise self._malformed(hdu.name, error) from None
        self._summed += (self._check_data(hdu, raw, total=total) or not hdu.nbytes,)
        return values

    @property
    def verified(self) -> Verified:
        """What has been verified so far of that which was read."""
        if self.gzipped and self._ended:
            return Verified.CRC
        return Verified.DATASUM if self._summed and all(self._summed) else Verified.NONE

    def verify_rest(self) -> Verified:
        """Verify the whole file, whatever was read of it.

        Returns
        -------
        Verified
            `Verified.CRC`, unless the file is not packed and holds what no CHECKSUM speaks of.

        Raises
        ------
        ProductError
            If any sum does not hold.
        """
        if self.gzipped:
            # Header by header: HDUs that nobody reads have names, too.
            for _ in self:
                pass
            self._drain()
            return self.verified
        with FitsStream(self.path) as again:
            protected = [again._check_data(hdu, b"") and has_checksum(hdu.header) for hdu in again]
            return Verified.CRC if all(protected) and not again._trailing else self.verified

    def check_end(self) -> None:
        """Make sure that the file goes on to its end, without inflating it.

        A plain file is walked header by header. The last four bytes of a gzip file give the inflated size, which must be whole
        FITS blocks and no less than what was seen; where it is not so (truncated, or several gzip members) the rest is inflated
        to find out. A truncated file escapes this test once in 2880 times. Where no more than padding is left, the CRC is seen.

        Raises
        ------
        ProductError
            If the file is truncated.
        """
        self._ending = True
        if self.gzipped and self._hdu is not None:
            with one_line(self.path):
                at = self._file.seek(0, os.SEEK_CUR)
                self._file.seek(-4, os.SEEK_END)
                size = int.from_bytes(self._file.read(4), "little")
                self._file.seek(at)
            if size % BLOCK == 0 and size >= max(self._hdu.end, self.position):
                if size - self.position < BLOCK:
                    self._drain(2 * BLOCK)
                return
        for _ in self:
            pass

    def _drain(self, most: float = math.inf) -> None:
        """Inflate what is left, to where the CRC stands, or `most` bytes of it."""
        with one_line(self.path):
            while most > 0 and not self._ended:
                count = len(self._source.read(SKIP_CHUNK if most > SKIP_CHUNK else int(most)))
                self._ended = not count
                self.position += count
                most -= count

    def _check_data(self, hdu: HDU, raw: bytes, *, total: int | None = None) -> bool:
        """Check the data of which the first bytes are given and the rest lies ahead; `False` where they have no sum."""
        if not has_sum(hdu.header):
            return False
        total, at = word_sum(raw) if total is None else total, len(raw)
        with one_line(self.path):
            for chunk in self._passing(hdu.end - self.position):
                total += word_sum(chunk, at=at)
                at += len(chunk)
        check_data(self.path, self.names[-1], hdu.header, data_sum=total, header_sum=self._header_sum)
        self.content += f"{self.names[-1]} {self._header_sum} {total % MODULUS};"
        return True

    def _read_header(self) -> dict[str, Any] | None:
        blocks = bytearray()
        for number in range(MAX_HEADER_BLOCKS):
            block = self._source.read(BLOCK)
            self.position += len(block)
            if number == 0 and not self._starts_hdu(block):
                return None
            if len(block) < BLOCK:
                raise EOFError("header cut off")
            blocks += block
            self._header_blocks += 1
            check_headers(self.path, self._header_blocks)
            if _holds_end(block):
                self._header_sum = word_sum(blocks)
                return parse_header(bytes(blocks))
        raise defect(self.path, None, found=f"a header without END in {MAX_HEADER_BLOCKS} blocks", expected="an END card")

    def _starts_hdu(self, block: bytes) -> bool:
        self._ended |= not block
        if self.names:
            # After the last HDU a file may end or hold anything (special records); a cut extension still begins with XTENSION.
            self._trailing = bool(block) and not block.startswith(b"XTENSION=")
            return bool(block) and not self._trailing
        if not block:
            raise defect(self.path, None, found="an empty file", expected="a FITS file")
        if not block.startswith(b"SIMPLE  ="):
            raise defect(self.path, None, found=f"a file that begins with {block[:8]!r}", expected="a FITS file (SIMPLE  =)")
        return True

    def _describe(self, header: dict[str, Any]) -> HDU:
        name = str(header.get("EXTNAME", "")).strip().upper()[:MAX_NAME]
        try:
            bitpix = int(header["BITPIX"])
            axes = tuple(int(header[f"NAXIS{i}"]) for i in range(int(header["NAXIS"]), 0, -1))
            nbytes = abs(bitpix) // 8 * (int(header.get("PCOUNT", 0)) + math.prod(axes)) if axes else 0
            table = header.get("XTENSION") == "BINTABLE" and not header.get("ZIMAGE")
            dtype = row_dtype(header) if table else image_dtype(header, bitpix)
            if bitpix not in BITPIX or min(axes, default=0) < 0 or nbytes < 0 or (table and dtype.itemsize != axes[1]):
                raise ValueError("sizes do not fit")
        except _MALFORMED as error:
            raise self._malformed(name, error) from None
        room = self._disk_size * MAX_INFLATION if self.gzipped else self._disk_size - self.position
        if nbytes > room:
            what = f"a truncated file of {self._disk_size} bytes"
            raise defect(self.path, name or None, found=what, expected=f"the {nbytes} bytes that the header declares", do=COPY)
        hdu = HDU(name, header, table, axes[:1] if table else axes or (0,), dtype, nbytes, self.position)
        if self.gzipped:
            check_inflated(self.path, hdu)
        return hdu

    def _malformed(self, name: str, error: Exception) -> ProductError:
        what = f"a malformed header ({type(error).__name__}: {str(error)[:60]!r})"
        return defect(self.path, name or None, found=what, expected="BITPIX, NAXIS and column formats as FITS has them")

    def _take(self, count: int, name: str) -> bytes:
        raw = self._source.read(count) if count else b""
        self.position += len(raw)
        if len(raw) < count:
            raise EOFError(f"data of {name} cut off")
        return raw

    def _skip(self, count: int) -> None:
        if not self.gzipped:
            self.position = self._source.seek(self.position + count)
            # Padding may be missing after the last HDU; the data themselves may not.
            if self._hdu is not None and self._hdu.start + self._hdu.nbytes > self._disk_size:
                raise EOFError("data cut off")
            return
        for _ in self._passing(count):
            pass

    def _passing(self, count: int) -> Iterator[bytes]:
        """Read on in pieces; padding may be missing after the last HDU, the data themselves may not."""
        while count > 0:
            chunk = self._source.read(min(count, SKIP_CHUNK))
            self.position += len(chunk)
            count -= len(chunk)
            if not chunk:
                self._ended = True
                if self._hdu is not None and self._hdu.start + self._hdu.nbytes > self.position:
                    raise EOFError("data cut off")
                return
            yield chunk


class _Inflating:
    """Gives the bytes of a packed file, and refuses to go on where no product does."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._packed, self._path = cast(Any, igzip).IGzipFile(fileobj=file, mode="rb"), path
        self._given = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        data: bytes = self._packed.read(size)
        self._given += len(data)
        check_given(self._path, self._given)
        return data


def _inflating(file: BinaryIO, path: Path) -> BinaryIO:
    return cast(BinaryIO, _Inflating(file, path))


def _unpacked(raw: bytes, hdu: HDU) -> tuple[NDArray[Any], int | None]:
    """Native data of an HDU, and the sum of their words where it comes with them."""
    if hdu.table:
        return unpack_table(raw, hdu.dtype, header=hdu.header, rows=hdu.shape[0]), None
    added = unpack_added(raw, hdu.dtype, header=hdu.header, shape=hdu.shape) if has_sum(hdu.header) else None
    return added or (unpack_image(raw, hdu.dtype, header=hdu.header, shape=hdu.shape), None)


def _holds_end(block: bytes) -> bool:
    at = block.find(b"END     ")
    while at > 0 and at % CARD:
        at = block.find(b"END     ", at + 1)
    return at != -1
