"""Run by benchmarks/grim.py with the Python of GRIM's own environment: python -I grim_runner.py FOLDER

Reads FOLDER/config.json and FOLDER/subjects.csv (id,GL), builds the graph, imputes each subject by each of the
configured `runs`, writes FOLDER/found.json: {run: {"seconds": [...], "genotypes": [{genotype: weight}, ...]}}.
Only the imputation of a subject is timed, in processor time: not the graph, not the reading and writing of files.
"""

import contextlib
import io
import json
import statistics
import sys
import time
from pathlib import Path

from graph_generation import generate_neo4j_multi_hpf
from grim.grim import graph_instance, impute_instance


def main(folder):
    config = json.loads((folder / "config.json").read_text())
    sys.argv = sys.argv[:1]  # generate_graph reads them itself
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        generate_neo4j_multi_hpf.generate_graph(config_file=str(folder / "config.json"))
        graph = graph_instance(config["imputation"])
    found = {"graph_seconds": time.process_time() - start}
    lines = (folder / "subjects.csv").read_text().splitlines()
    subjects = [line.split(",", 1) for line in lines]
    for name, changed in config["runs"].items():
        found[name] = imputed(graph, {**config["imputation"], **changed}, subjects)
    (folder / "found.json").write_text(json.dumps(found))


def imputed(graph, config, subjects):
    engine = impute_instance(config, graph)
    seconds, genotypes = [], []
    for subject, gl in subjects:
        runs = [impute_one(engine, config, subject, gl) for _ in range(config["repeats"])]
        found = runs[0][0]
        seconds.append(statistics.median(elapsed for _, elapsed in runs))
        ranked = sorted(found["Haps"].items(), key=lambda one: -one[1]) if found else []
        genotypes.append({key: float(value) for key, value in ranked[: config["number_of_results"]]})
    return {"seconds": seconds, "genotypes": genotypes}


def impute_one(engine, config, subject, gl):
    """Unphased genotypes and seconds; as its impute_file calls it."""
    phases = [1] * (len(config["full_loci"]) - 1)
    asked = (
        config["epsilon"],
        1000,
        config["output_MUUG"],
        config["output_haplotypes"],
        config["planb"],
        False,
    )
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.process_time()
        _, found, _ = engine.impute_one(subject, gl, phases, None, None, config["priority"], *asked)
        return found, time.process_time() - start


if __name__ == "__main__":
    main(Path(sys.argv[1]))
