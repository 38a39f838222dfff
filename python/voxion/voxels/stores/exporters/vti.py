"""VTK image data (.vti), for ParaView and OVITO: all channels of a frame, exact.

The values belong to cells, so a voxel stays a voxel, and the image covers the box. A triclinic box
is carried by the image's direction matrix, whose columns are the unit vectors along the cell.
"""

from __future__ import annotations

import base64
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from voxion.voxels.stores.exporters.frame import ExportedFrame


def write_vti(frame: ExportedFrame, path: Path) -> None:
    """Write all channels of `frame`."""
    spacing = np.linalg.norm(frame.vectors, axis=1)
    extent = " ".join(f"0 {n}" for n in frame.values.shape[1:])
    root = ElementTree.Element(
        "VTKFile", type="ImageData", version="1.0", byte_order="LittleEndian", header_type="UInt64"
    )
    root.append(ElementTree.Comment(f" {frame.comment().replace('--', '- -')} "))
    image = ElementTree.SubElement(
        root,
        "ImageData",
        WholeExtent=extent,
        Origin=_numbers(frame.origin),
        Spacing=_numbers(spacing),
        Direction=_numbers((frame.vectors / spacing[:, None]).T.ravel()),
    )
    fields = ElementTree.SubElement(image, "FieldData")
    _array(fields, "TimeValue", np.array([frame.time]), NumberOfTuples="1")
    _array(fields, "step", np.array([frame.step]), NumberOfTuples="1")
    piece = ElementTree.SubElement(image, "Piece", Extent=extent)
    cells = ElementTree.SubElement(piece, "CellData", Scalars=frame.channels[0])
    for name, values in zip(frame.channels, frame.values, strict=True):
        _array(cells, name, values.transpose(2, 1, 0))  # x runs fastest
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _array(
    parent: ElementTree.Element, name: str, values: NDArray[np.generic], **attributes: str
) -> None:
    kinds = {"float32": "Float32", "float64": "Float64", "int64": "Int64"}
    element = ElementTree.SubElement(
        parent,
        "DataArray",
        {"type": kinds[values.dtype.name], "Name": name, "format": "binary", **attributes},
    )
    data = values.astype(values.dtype.newbyteorder("<")).tobytes()
    # one base64 text: the number of bytes, then the bytes
    element.text = base64.b64encode(len(data).to_bytes(8, "little") + data).decode()


def _numbers(values: NDArray[np.float64]) -> str:
    return " ".join(f"{v:.17g}" for v in values)
