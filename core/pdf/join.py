"""Pages of one file behind those of another."""

from __future__ import annotations

import io

# faces and pages are taken over as they are; the library is loaded with the first file, as the others (core.pdf)


def joined(*files: bytes) -> bytes:
    """One file with the pages of all, in their order; the same files give the same bytes."""
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(files[0])))
    for file in files[1:]:
        writer.append(PdfReader(io.BytesIO(file)))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
