"""Pages of a patient's second sample, of possible duplicates and merges."""

from __future__ import annotations

from shots_acts import submit
from shots_finding import first_link, then
from shots_site import Shot

PATIENT = first_link("/patients/?typing=typed", "/patients/UUID/")


SECOND, SETTLE = then(PATIENT, "typing/second/"), then(PATIENT, "typing/settle/")

CERTAINTY_PAGES = [
    Shot("typing-second", "hospital_coordinator", SECOND),
    Shot("typing-second-error", "hospital_coordinator", SECOND, act=submit),
    Shot("typing-settle", "hospital_coordinator", SETTLE),
    Shot("duplicates", "search_coordinator", "/patients/duplicates/"),
    Shot("duplicates-dismissed", "admin", "/patients/duplicates/?state=dismissed"),
    Shot("merges", "search_coordinator", "/patients/merges/"),
    Shot("merges-error", "admin", "/patients/merges/", act=submit, status=400),
]
