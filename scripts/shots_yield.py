"""Pages of the yield, of the day, and of the desk by state."""

from __future__ import annotations

from shots_site import Shot

YIELD_PAGES = [
    Shot("yield", "director", "/units/yield/"),
    Shot("yield-site", "qa", "/units/yield/?year=all&site=Maternity+01"),
    Shot("yield-none", "qa", "/units/yield/?year=2008&last=1&site=nowhere"),
    Shot("yield-units", "qa", "/units/?year=2025&reached=3&fate=lost&per_page=25"),
    Shot("today-lab", "lab", "/today/"),
    Shot("today-director", "medical_director", "/today/"),
    Shot("today-hospital", "hospital_coordinator", "/today/"),
    Shot("home-qa", "qa", "/"),
    Shot("release-desk-missing", "qa", "/units/release/?state=missing&age=90&per_page=25"),
    Shot("release-desk-nothing", "qa", "/units/release/?state=exception&age=more"),
]
