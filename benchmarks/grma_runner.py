"""Run by benchmarks/world_grma.py with the Python of GRMA's own environment: python -I grma_runner.py FOLDER

Reads FOLDER/config.json, FOLDER/donors.txt and FOLDER/patients.txt (id,genotype,probability,number of the genotype, as
its imputation writes them). Builds the graph of a few donors first, then of as many as fit the seconds allowed, finds
the matches of all patients with its own `find_matches` and writes FOLDER/found.json. Wall clock; the time of a
patient is the one that it reports itself.
"""

import contextlib
import io
import json
import shutil
import sys
import time
from pathlib import Path

from grma.donorsgraph.build_donors_graph import BuildMatchingGraph
from grma.match import find_matches

TRIAL = 2_000


def main(folder):
    config = json.loads((folder / "config.json").read_text())
    lines = (folder / "donors.txt").read_text().splitlines(keepends=True)
    starts = [at for at, line in enumerate(lines) if line.rstrip().endswith(",0")]
    _, trial = built(folder, lines, starts, min(TRIAL, len(starts)))
    donors = len(starts)
    if trial > 0:
        donors = min(donors, int(TRIAL * config["seconds"] / trial))
    graph, seconds = built(folder, lines, starts, donors)
    found = find_matches(
        str(folder / "patients.txt"),
        graph,
        donors_info=[],
        threshold=0.0,
        cutoff=config["cutoff"],
        calculate_time=True,
    )
    result = {
        "donors": donors,
        "genotypes": starts[donors] if donors < len(starts) else len(lines),
        "build_seconds": seconds,
        "seconds": {str(patient): spent for patient, (_, spent) in found.items()},
        "matches": {str(patient): len(rows) for patient, (rows, _) in found.items()},
    }
    (folder / "found.json").write_text(json.dumps(result))


def built(folder, lines, starts, donors):
    """The graph of the first donors, and seconds."""
    files = folder / "donors"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir()
    end = starts[donors] if donors < len(starts) else len(lines)
    (files / "donors.txt").write_text("".join(lines[:end]))
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        graph = BuildMatchingGraph(str(files)).graph
    return graph, time.perf_counter() - start


if __name__ == "__main__":
    main(Path(sys.argv[1]))
