"""A kept report with its electronic signatures on a sheet behind it: what a hospital files and sends.

The kept file is what was signed and stays as it is; this copy is made from it and from the signatures whenever it is
asked for, and names the checksum of the file that they are about.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import translation
from django.utils.translation import gettext as _

from core.pdf.document import Block, Document, Fact, Facts, Heading, Notice, Text, Together
from core.pdf.join import joined
from core.pdf.paint import pdf_bytes
from core.roles import Role
from matching.models import MatchReport, ReportSignature
from matching.reports.head import moment


def signed_copy(report: MatchReport, *, synthetic: bool) -> bytes:
    """The file of the report with the sheet behind it, in the report's language.

    Raises ValueError for a report that nobody has signed.
    """
    return joined(bytes(report.pdf), pdf_bytes(signature_sheet(report, synthetic=synthetic)))


def signature_sheet(report: MatchReport, *, synthetic: bool) -> Document:
    signatures = list(report.signatures.all())
    if not signatures:
        raise ValueError("nobody has signed this report")
    run = report.run
    with translation.override(report.language):
        names = {
            "number": run.request.number,
            "n": run.run_no,
            "patient": run.request.patient.code,
            "digest": report.digest[:12],
        }
        return Document(
            title=_("Signatures under match report %(number)s, search %(n)d") % names,
            subject=_("Cord blood units for patient %(patient)s") % names,
            author=signatures[-1].signed_by,
            language="zh-Hans" if report.language.startswith("zh") else report.language,
            running=_("Patient %(patient)s") % names,
            banner=_("Synthetic demonstration data. Not for clinical use.") if synthetic else "",
            foot=_("Signature sheet of report %(digest)s") % names,
            page_text=_("Signature sheet, page {page} of {pages}"),
            seal=_("Digest of this sheet (SHA-256): {digest}"),
            made_at=max(one.signed_at for one in signatures).replace(microsecond=0),
            blocks=tuple(_blocks(report, signatures)),
        )


def _blocks(report: MatchReport, signatures: list[ReportSignature]) -> Iterator[Block]:
    run = report.run
    yield Heading(
        _("Signatures under match report %(number)s, search %(n)d")
        % {"number": run.request.number, "n": run.run_no},
        level=0,
    )
    yield Text(
        _(
            "Given in Qidai with the signer's password, each under exactly the file named here, and kept in the audit "
            "trail. This sheet is made from them; it is not a certificate."
        )
    )
    yield Facts(
        (
            Fact(_("Digest, as printed"), report.digest),
            Fact(_("SHA-256 of the file"), report.pdf_sha256),
            Fact(_("Made by"), report.created_by),
            Fact(_("Made at"), moment(report.created_at)),
        ),
        columns=1,
    )
    for one in signatures:
        yield Together(tuple(_signature(report, one)))


def _signature(report: MatchReport, one: ReportSignature) -> Iterator[Block]:
    facts = [
        Fact(_("Role"), str(Role(one.role).label)),
        Fact(_("Signed at"), moment(one.signed_at)),
        Fact(_("Meaning"), str(one.get_meaning_display())),
    ]
    if one.chosen:
        facts.append(Fact(_("Units chosen"), ", ".join(one.chosen)))
    if one.remark:
        facts.append(Fact(_("Remark"), one.remark))
    yield Heading(one.signed_by)
    yield Facts(tuple(facts), columns=1)
    if one.pdf_sha256 != report.pdf_sha256:
        yield Notice(
            _("This signature is about another file than the one in front of this sheet."), tone="bad"
        )
