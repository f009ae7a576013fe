"""A frequency set as a CSV file that other programs read too."""

import gzip
import io
from collections.abc import Iterator

from hla.frequencies.sets import HaplotypeSet


def csv_lines_of(found: HaplotypeSet) -> Iterator[str]:
    """Haplo,Count,Freq, commonest first; the counts are empty, since a set does not know them."""
    yield "Haplo,Count,Freq\n"
    for place in range(len(found)):
        yield f"{'~'.join(found.names(place))},,{float(found.frequencies[place])!r}\n"


def gzipped_csv(found: HaplotypeSet) -> bytes:
    """The same bytes for the same set."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as handle:
        for line in csv_lines_of(found):
            handle.write(line.encode())
    return packed.getvalue()
