"""Papers that were handed out: kept as they were, a new version only of what has changed, who may have which."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from bank.dossier.registry import Subject
from bank.models import CordBloodUnit
from core import panels
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, User
from core.panels import Place
from core.roles import Role
from hospitals.models import Patient
from tests.factories import papers as make
from tests.factories.bank import MarkerFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import member_of
from tests.parallel import all_at_once
from transplants.choices_orders import OrderState
from transplants.choices_papers import NO_PAPERS, PaperKind, PaperLanguage, TextKind
from transplants.models import Order, OrderPaper
from transplants.papers.given import Given
from transplants.papers.printed import Stamp, digest_of, pdf_of
from transplants.providers_papers import dossier, order_panel
from transplants.services_papers import paper_fetch_again, paper_issue

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("test")


def issue(row: Order, kind: str = "thaw", language: str = "en", actor: Actor = ACTOR) -> OrderPaper:
    return paper_issue(order_id=row.pk, kind=kind, language=language, actor=actor)


@pytest.fixture
def row(patient: Patient) -> Order:
    return make.order(patient)


# --- the same again -------------------------------------------------------------------------------


def test_a_paper_of_the_same_records_is_the_same_file(row: Order) -> None:
    first, again = issue(row), issue(row)

    assert first.pk == again.pk
    assert hashlib.sha256(bytes(again.pdf)).hexdigest() == first.pdf_sha256
    assert OrderPaper.objects.count() == 1


def test_making_it_anew_gives_the_same_bytes(row: Order) -> None:
    """Nothing of the clock goes into it but the moment of its version."""
    make.shipment(row)
    for kind in PaperKind:
        for language in PaperLanguage:
            kept = issue(row, kind, language)
            given = Given.of(row.pk)
            stamp = Stamp(kind, row.number, kept.version, kept.made_at, digest_of(given, kind))

            assert stamp.digest == kept.digest
            assert pdf_of(given, stamp, language) == bytes(kept.pdf), (kind, language)


def test_a_paper_in_another_language_is_the_same_version(row: Order) -> None:
    english, chinese = issue(row), issue(row, language="zh-hans")

    assert english.pk != chinese.pk
    assert (english.version, english.digest, english.made_at) == (1, chinese.digest, chinese.made_at)


def test_what_has_changed_makes_a_version_and_what_a_paper_does_not_say_makes_none(row: Order) -> None:
    thaw, summary = issue(row), issue(row, "summary")
    MarkerFactory(unit=row.unit)  # a thaw instruction tells of no test

    assert issue(row).pk == thaw.pk
    newer = issue(row, "summary")
    assert (newer.version, summary.version) == (2, 1)
    assert newer.digest != summary.digest

    make.text(TextKind.THAW)
    assert issue(row).version == 2
    assert issue(row, language="zh-hans").version == 2
    assert (
        list(OrderPaper.objects.filter(kind="thaw").values_list("version", "language").order_by("pk")) != []
    )


def test_a_version_that_comes_back_is_another_version(row: Order) -> None:
    """Recalled, and not any more: who holds version 1 must see that there was something between."""
    issue(row)
    CordBloodUnit.objects.update(recalled=True)
    assert issue(row).version == 2
    CordBloodUnit.objects.update(recalled=False)

    assert issue(row).version == 3


def test_each_fetch_is_audited_with_version_and_digests(row: Order, he_lan: User) -> None:
    actor = Actor.user(he_lan)
    paper = issue(row, actor=actor)
    issue(row, actor=actor)
    paper_fetch_again(paper=paper, actor=actor)

    entries = AuditEntry.objects.filter(action="paper.issue")
    assert entries.count() == 3
    for entry in entries:
        assert entry.actor_id == str(he_lan.pk)
        assert entry.hospital_id == row.hospital_id
        assert entry.target_type == "transplants.OrderPaper"
        assert entry.target_label == f"{row.number} · thaw v1"
        assert entry.after == {
            "kind": "thaw", "version": 1, "language": "en", "digest": paper.digest, "sha256": paper.pdf_sha256,
        }  # fmt: skip


def test_nothing_is_kept_if_the_trail_cannot_be_written(row: Order, monkeypatch: Any) -> None:
    def refuse(**values: Any) -> None:
        raise RuntimeError("no trail")

    monkeypatch.setattr("transplants.services_papers.audit.record", refuse)

    with pytest.raises(RuntimeError):
        issue(row)
    assert OrderPaper.objects.count() == 0


def test_the_application_may_not_change_what_it_handed_out(row: Order) -> None:
    issue(row)

    for change in (
        lambda: OrderPaper.objects.update(version=9),
        lambda: OrderPaper.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            change()


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(NO_PAPERS))
def test_an_order_that_is_not_approved_has_no_papers(patient: Patient, state: str) -> None:
    row = make.order(patient, state=state)

    for kind in PaperKind:
        with pytest.raises(Conflict) as caught:
            issue(row, kind)
        assert caught.value.code == "no_papers"
        assert str(OrderState(state).label) in caught.value.message
    assert OrderPaper.objects.count() == 0


@pytest.mark.parametrize("state", sorted(set(OrderState) - NO_PAPERS - {"not_used", "failed"}))
def test_every_other_order_has(patient: Patient, state: str) -> None:
    assert issue(make.order(patient, state=state), "summary").version == 1


@pytest.mark.parametrize("kind", ["customs", "label"])
def test_what_names_the_shipper_waits_for_the_shipment(row: Order, kind: str) -> None:
    with pytest.raises(Conflict) as caught:
        issue(row, kind)
    assert caught.value.code == "not_packed"
    assert row.number in caught.value.message

    make.shipment(row)
    assert issue(row, kind).version == 1


def test_another_paper_or_language_there_is_none(row: Order) -> None:
    with pytest.raises(InvalidInput) as caught:
        issue(row, "invoice")
    assert caught.value.code == "paper_unknown"
    with pytest.raises(InvalidInput) as caught:
        issue(row, language="fr")
    assert caught.value.code == "language_unknown"


# --- at once --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_many_who_fetch_at_once_get_one_version_and_one_file() -> None:
    row = make.order()
    works = [partial(issue, row, "thaw", language) for language in ("en", "zh-hans") for _ in range(4)]

    found = all_at_once(works)

    assert {(one.version, one.digest) for one in found} == {(1, found[0].digest)}
    assert OrderPaper.objects.count() == 2
    assert len({one.pk for one in found}) == 2
    assert AuditEntry.objects.filter(action="paper.issue").count() == 8


# --- pages ----------------------------------------------------------------------------------------


def url(row: Order, kind: str = "thaw", query: str = "") -> str:
    return reverse("transplants:order-paper", args=[row.pk, kind]) + query


def test_a_hospital_fetches_the_papers_of_its_order(row: Order, he_lan: User, signed_in: Any) -> None:
    response = signed_in(he_lan).get(url(row, "summary", "?lang=both"))

    assert response.status_code == 200
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == (f'attachment; filename="qidai-{row.number}-summary-both.pdf"')
    assert response.content.startswith(b"%PDF")
    assert response["X-Content-SHA256"] == hashlib.sha256(response.content).hexdigest()
    assert response["X-Paper-Version"] == "1"
    assert "no-store" in response["Cache-Control"]
    assert OrderPaper.objects.get().made_by == "He Lan"


def test_without_a_language_it_speaks_that_of_the_page(row: Order, signed_in: Any) -> None:
    reader = member_of(row.hospital, language="zh-hans")

    signed_in(reader).get(url(row), headers={"accept-language": "zh-hans"})

    assert OrderPaper.objects.get().language == "zh-hans"


def test_refusals_have_a_page_that_says_the_cure(
    row: Order, patient: Patient, he_lan: User, signed_in: Any
) -> None:
    client = signed_in(he_lan)

    early = client.get(url(make.order(patient, state="asked")))
    unpacked, foreign = client.get(url(row, "label")), client.get(url(row, "thaw", "?lang=fr"))

    assert early.status_code == 409
    assert b"once the bank has approved it" in early.content
    assert unpacked.status_code == 409
    assert b"Pack the shipment" in unpacked.content
    assert foreign.status_code == 400
    assert client.get(url(row, "invoice")).status_code == 404
    assert OrderPaper.objects.count() == 0


def test_another_hospital_finds_nothing(row: Order, tan_xi: User, signed_in: Any) -> None:
    paper = issue(row)
    client = signed_in(tan_xi)

    assert client.get(url(row)).status_code == 404
    assert client.get(reverse("transplants:paper-file", args=[paper.pk])).status_code == 404
    assert client.get(reverse("api:order-paper-list", args=[row.pk])).status_code == 404


def test_an_earlier_version_is_fetched_as_it_was(row: Order, he_lan: User, signed_in: Any) -> None:
    old = issue(row)
    make.text(TextKind.THAW)
    issue(row)

    response = signed_in(he_lan).get(reverse("transplants:paper-file", args=[old.pk]))

    assert response.content == bytes(old.pdf)
    assert response["Content-Disposition"].endswith('-thaw-en-v1.pdf"')
    assert AuditEntry.objects.filter(action="paper.issue", actor_id=str(he_lan.pk)).count() == 1


# --- the panel of an order ------------------------------------------------------------------------


def shown(row: Order, user: User) -> dict[str, Any]:
    panel = order_panel(
        user, Order.objects.select_related("unit__bank", "patient", "hospital").get(pk=row.pk)
    )
    assert panel is not None
    return {one["kind"]: one for one in panel.values["rows"]}


def test_the_panel_stands_on_the_page_of_an_order(row: Order, he_lan: User) -> None:
    found = [panel.template for panel in panels.panels(Place.ORDER, he_lan, row)]

    assert "transplants/_papers_panel.html" in found


def test_the_panel_offers_what_there_is_and_says_why_not(row: Order, he_lan: User) -> None:
    rows = shown(row, he_lan)

    assert [one["label"] for one in rows["summary"]["files"]] == ["English", "简体中文", "Both"]
    assert rows["customs"]["files"] == []
    assert "Pack the shipment" in rows["customs"]["why"]
    assert rows["customs"]["state"]["text"] == "not yet"
    make.shipment(row)
    assert len(shown(row, he_lan)["customs"]["files"]) == 3


def test_the_panel_marks_what_has_changed_since_it_was_handed_out(row: Order, he_lan: User) -> None:
    assert shown(row, he_lan)["summary"]["state"]["text"] == "not handed out yet"
    issue(row, "summary")
    assert shown(row, he_lan)["summary"]["state"] == {"text": "version 1", "tone": "good"}

    MarkerFactory(unit=row.unit)
    assert shown(row, he_lan)["summary"]["state"] == {
        "text": "changed since it was handed out",
        "tone": "warn",
    }

    issue(row, "summary")
    assert shown(row, he_lan)["summary"]["state"]["text"] == "version 2"


def test_an_order_without_papers_has_no_panel(patient: Patient, he_lan: User) -> None:
    assert order_panel(he_lan, make.order(patient, state="asked")) is None
    assert order_panel(UserFactory(roles=[Role.LAB]), make.order(patient)) is None


def test_only_the_bank_is_led_to_its_texts(row: Order, he_lan: User, shen_jia: User) -> None:
    asked = {user: order_panel(user, row) for user in (he_lan, shen_jia)}

    assert asked[he_lan].values["texts_url"] == ""  # type: ignore[union-attr]
    assert asked[shen_jia].values["texts_url"] != ""  # type: ignore[union-attr]


def test_a_panel_reads_as_much_for_one_version_as_for_twenty(
    row: Order, he_lan: User, django_assert_max_num_queries: Any
) -> None:
    for kind in ("summary", "thaw"):
        issue(row, kind)
    for version in range(2, 22):
        OrderPaper.objects.create(
            order=row, kind="label", version=version, language="en", digest="0" * 64, pdf=b"%PDF",
            pdf_sha256="0" * 64, made_by="x",
        )  # fmt: skip

    with django_assert_max_num_queries(24):
        panel = order_panel(he_lan, Order.objects.select_related("unit__bank", "patient", "hospital").get())
        assert panel is not None
        assert len(panel.values["issued"]) == 22


# --- API and dossier ------------------------------------------------------------------------------


def test_the_api_gives_the_same_file_and_the_list(row: Order, he_lan: User, signed_in: Any) -> None:
    client = signed_in(he_lan)
    address = reverse("api:order-paper-detail", args=[row.pk, "thaw"])

    pdf = client.get(f"{address}?lang=zh-hans", headers={"accept": "application/pdf"})
    page = client.get(url(row, "thaw", "?lang=zh-hans"))
    listed = client.get(reverse("api:order-paper-list", args=[row.pk])).json()["results"]

    assert pdf.status_code == 200
    assert pdf.content == page.content
    assert [(one["kind"], one["version"], one["language"]) for one in listed] == [("thaw", 1, "zh-hans")]
    assert "pdf" not in listed[0]
    assert client.get(address).status_code == 200
    assert OrderPaper.objects.filter(language="en").exists()


def test_the_api_says_why_not(row: Order, he_lan: User, signed_in: Any) -> None:
    client = signed_in(he_lan)

    refused = client.get(
        reverse("api:order-paper-detail", args=[row.pk, "label"]), headers={"accept": "application/pdf"}
    )
    unknown = client.get(f"{reverse('api:order-paper-detail', args=[row.pk, 'thaw'])}?lang=fr")

    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "not_packed"
    assert unknown.status_code == 400
    assert unknown.json()["error"]["code"] == "language_unknown"
    assert client.get(f"/api/orders/{uuid4()}/papers/thaw/").status_code == 404


def test_a_dossier_tells_of_papers_and_leaves_the_files_out(row: Order) -> None:
    paper = issue(row)

    (record,) = dossier(Subject(row.unit))

    assert record.id == str(paper.pk)
    assert record.get("pdf") is None
    assert record.get("digest").value == paper.digest  # type: ignore[union-attr]
    assert record.get("version").value == 1  # type: ignore[union-attr]


def test_moments_of_papers_are_whole_seconds(row: Order) -> None:
    assert issue(row).made_at.microsecond == 0
    assert issue(row).made_at <= timezone.now()
