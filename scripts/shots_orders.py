"""Pages of orders, as hospital, as bank and as quality assurance."""

from __future__ import annotations

from shots_acts import submit
from shots_finding import first_link, then, through
from shots_reservations import KEPT, open_all
from shots_site import Shot

ASKED = first_link("/orders/?state=asked", "/orders/UUID/")
APPROVED = first_link("/orders/?state=approved", "/orders/UUID/")
RELEASED = first_link("/orders/?state=released", "/orders/UUID/")
NEW = through(KEPT, "/orders/new/UUID/")


ORDER_PAGES = [
    Shot("orders", "search_coordinator", "/orders/"),
    Shot("orders-hospital", "hospital_coordinator", "/orders/?state=all"),
    Shot("orders-none", "hospital_coordinator", "/orders/?q=zzzz"),
    Shot("order-new", "hospital_coordinator", NEW),
    Shot("order-new-errors", "hospital_coordinator", NEW, act=submit, status=400),
    Shot("order-amend", "hospital_coordinator", then(ASKED, "amend/")),
    Shot("order-physician", "hospital_physician", ASKED, act=open_all),
    Shot("order-bank", "search_coordinator", ASKED, act=open_all),
    Shot("order-release", "qa", APPROVED, act=open_all),
    Shot("order-released", "medical_director", RELEASED, act=open_all),
]
