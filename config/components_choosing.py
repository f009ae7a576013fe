"""Made-up parts of choosing for the gallery: tabs, order, findings of rules, units side by side, bar of ticked ones."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from config.components_match import made_up_rows
from hospitals.doses import DoseNeeded, DosesNeeded
from matching.presenters.comparison import class_cells, number_row, row_of, text_row
from matching.presenters.rule_words import ACTIONS, GROUPS, NAMES, OUTCOMES


def parts() -> dict[str, Any]:
    return {
        "list_tabs": [
            {"url": "#choosing", "label": _("Eligible"), "count": 92, "active": True},
            {"url": "#choosing", "label": _("Excluded by a rule"), "count": 6},
            {"url": "#choosing", "label": _("All"), "count": 98},
        ],
        "order": _order(),
        "doses": DosesNeeded(
            "v1",
            "55 kg",
            [
                DoseNeeded(_("one unit"), "137.5", "8.25", "2.5", "1.5"),
                DoseNeeded(_("each of two"), "82.5", "5.5", "1.5", "1"),
                DoseNeeded(_("two together"), "> 192.5", "", "> 3.5", ""),
            ],
        ),
        "finding_groups": _findings(),
        "compared": _compared(),
        "chosen": {
            "url": "#choosing",
            "here": "#choosing",
            "least": 2,
            "most": 4,
            "kept": [],
            "units": [
                {"key": str(place), "unit": row["unit"], "on_page": False, "remove_url": "#choosing"}
                for place, row in enumerate(made_up_rows()[:2])
            ],
        },
    }


def _order() -> dict[str, Any]:
    labels = [_("class"), "TNC/kg", _("quality")]
    return {
        "chips": [
            {
                "label": label,
                "place": place,
                "earlier_url": "#choosing" if place > 1 else "",
                "later_url": "#choosing" if place < len(labels) else "",
                "remove_url": "#choosing",
            }
            for place, label in enumerate(labels, start=1)
        ],
        "presets": [
            {"label": _("the policy's order"), "url": "#choosing", "on": True},
            {"label": _("as searched"), "url": "#choosing", "on": False},
        ],
        "more": [{"label": "CD34/kg", "url": "#choosing"}, {"label": _("blood group"), "url": "#choosing"}],
    }


def _finding(code: str, outcome: str, value: str, threshold: str, action: str, **more: Any) -> dict[str, Any]:
    return {
        "name": NAMES[code],
        "verdict": {"passed": "ok", "failed": "no", "unknown": "na"}[outcome],
        "outcome": OUTCOMES[outcome],
        "value": value,
        "threshold": threshold,
        "action": ACTIONS[action],
        "excludes": outcome == "failed" and action == "exclude",
        "refs": [{"label": "ASH-SAP table 8401273", "url": "#choosing", "note": ""}],
        **more,
    }


def _findings() -> list[dict[str, Any]]:
    unconfirmed = [{"label": "Politikos 2020", "url": "", "note": _("unconfirmed")}]
    return [
        {
            "name": GROUPS["dose"],
            "rows": [
                _finding("tnc_dose", "failed", "1.90 ×10⁷/kg", "≥ 2.5 ×10⁷/kg", "exclude"),
                _finding("cd34_dose", "passed", "1.62 ×10⁵/kg", "≥ 1.5 ×10⁵/kg", "warn"),
                _finding("cfu_dose", "failed", "0.00 ×10⁵/kg", "", "show", refs=unconfirmed),
            ],
        },
        {
            "name": GROUPS["antibodies"],
            "rows": [
                _finding(
                    "dsa",
                    "unknown",
                    "",
                    "MFI < 1000",
                    "exclude",
                    missing=_("an antibody test of the patient"),
                )
            ],
        },
    ]


def _compared() -> dict[str, Any]:
    rows = [dict(row, meta=row.get("meta", "")) for row in made_up_rows()[1:4]]
    columns = [{**row, "excluded": place == 2, "remove_url": "#choosing"} for place, row in enumerate(rows)]
    locus = [{"first": row["cells"][1]["first"], "second": row["cells"][1]["second"]} for row in rows]
    verdicts = [
        {"verdict": "ok", "outcome": OUTCOMES["passed"], "value": "8.40 ×10⁷/kg", "excludes": False},
        {"verdict": "ok", "outcome": OUTCOMES["passed"], "value": "9.90 ×10⁷/kg", "excludes": False},
        {"verdict": "no", "outcome": OUTCOMES["failed"], "value": "1.90 ×10⁷/kg", "excludes": True},
    ]
    match = [
        row_of(_("Antigen class"), class_cells([(4, 6), (5, 5), (4, 5)], 6)),
        number_row(_("TNC per kg"), [8.4, 9.9, 1.9], "{:.2f}".format, note="×10⁷/kg"),
        text_row(_("Segments"), ["3", "2", ""]),
        text_row(_("Bank"), ["QD", "QD", "QD"]),
        row_of("HLA-B", locus, note="40:01 46:01", kind="locus"),
    ]
    rules = [row_of(NAMES["tnc_dose"], verdicts, note="≥ 2.5 ×10⁷/kg", kind="verdict")]
    groups = [
        {"name": _("Match"), "rows": match},
        {"name": _("Rules: %(group)s") % {"group": GROUPS["dose"]}, "rows": rules},
    ]
    return {"columns": columns, "groups": groups}
