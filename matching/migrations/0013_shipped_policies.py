"""Four policies to start from, with every rule written out: later programs change nothing of what they say.

From the rule table of the domain notes (matching.md 4.4). The policy of the first day is offered no more.
"""

from copy import deepcopy
from typing import Any
from uuid import UUID

from django.db import migrations
from django.utils import timezone

FIRST = UUID("5d1da1de-fa01-4000-8000-000000000001")
MALIGNANT = UUID("5d1da1de-fa01-4000-8000-000000000011")

RULES: dict[str, dict[str, Any]] = {
    "offer": {"action": "exclude"},
    "segments": {"action": "exclude", "least": 1},
    "tnc_dose": {"action": "exclude", "least": "2.5", "bound": "at_least"},
    "cd34_dose": {"action": "warn", "least": "1.5"},
    "cfu_dose": {"action": "show", "least": "0"},
    "class_antigen6": {"action": "exclude", "least": 4},
    "class_allele8": {"action": "exclude", "least": 4},
    "mismatches8": {"action": "warn", "most": 4},
    "c_matched": {"action": "warn"},
    "direction": {"action": "show", "accepted": ["matched", "gvh-only", "bidirectional"]},
    "nima": {"action": "sort"},
    "dpb1": {"action": "show", "accepted": ["matched", "permissive"]},
    "b_leader": {"action": "show"},
    "dsa": {"action": "exclude", "mfi": 1000, "of": ["peak"], "weak_mfi": 250, "methods": ["single_antigen"]},
    "serum_age": {"action": "warn", "most_days": 180},
    "accreditation": {"action": "sort", "accepted": ["netcord_fact", "aabb", "licence"]},
    "red_cells": {"action": "warn"},
    "volume": {"action": "show", "least": "24.5", "most": "26"},
    "viability": {"action": "warn", "least": "80"},
    "cd34_viability": {"action": "warn", "least": "85"},
    "haemoglobinopathy": {"action": "exclude"},
    "haemoglobinopathy_trait": {"action": "warn"},
    "markers": {
        "action": "exclude",
        "tests": ["anti_hiv_12", "hbs_ag", "anti_hcv", "syphilis", "cmv"],
        "subjects": ["unit", "mother"],
        "accepted": ["anti_hbs", "cmv", "ebv", "toxo"],
    },
    "age": {"action": "show", "most_years": 10},
    "abo": {"action": "sort", "accepted": ["identical", "minor"]},
    "sex": {"action": "off"},
}
SORT = ["class", "probability", "certain", "tnc", "quality"]
PAIRS = {"tnc_e7_each": "1.5", "cd34_e5_each": "1", "tnc_e7_total_above": "3.5", "unit_unit_least": None}
SPLITS = (
    "Classes: A and B at antigen level, DRB1 at allele level (WMDA, A, B antigen and DRB1 ARD level CBU searches);"
    " two splits of one broad antigen are a mismatch (WMDA framework, level SD2; doi 10.1038/bmt.2010.132). "
)
UNCONFIRMED = " Numbers marked unconfirmed at their rule are usual ones: confirm them by your own protocol."

POLICIES: tuple[dict[str, Any], ...] = (
    {
        "id": MALIGNANT,
        "name": "Malignant disease, single unit",
        "indication": "malignant",
        "population": "adults and children with blood cancer, one unit",
        "floors": {"antigen6": 4},
        "rules": {},
        "references": SPLITS
        + "Dose: ASH-SAP table 8401273. Floors 4/6 and 4/8: NMDP list algorithm, PMC7567024."
        + UNCONFIRMED,
    },
    {
        "id": UUID("5d1da1de-fa01-4000-8000-000000000012"),
        "name": "Non-malignant disease, single unit",
        "indication": "non-malignant",
        "population": "marrow failure, metabolic and immune disease, one unit",
        "floors": {"antigen6": 5},
        "rules": {
            "tnc_dose": {"least": "5", "bound": "above"},
            "class_antigen6": {"least": 5},
            "class_allele8": {"least": 6},
            "dsa": {"mfi": 500},
        },
        "references": SPLITS
        + "Dose above 5.0: ASH-SAP table 8401273. Floors 5/6 and 6/8 and the stricter antibody limit are unconfirmed."
        + UNCONFIRMED,
    },
    {
        "id": UUID("5d1da1de-fa01-4000-8000-000000000013"),
        "name": "Two units",
        "indication": "malignant",
        "population": "patients for whom one unit is too small",
        "floors": {"antigen6": 4},
        "rules": {"tnc_dose": {"least": "1.5"}, "cd34_dose": {"least": "1"}},
        "references": SPLITS
        + "Each unit: ASH-SAP table 8401273. Both together above 3.5: Eurocord 2020, Blood Adv 4:6327."
        + UNCONFIRMED,
    },
    {
        "id": UUID("5d1da1de-fa01-4000-8000-000000000014"),
        "name": "Children",
        "indication": "malignant",
        "population": "patients under 18 with blood cancer, one unit",
        "floors": {"antigen6": 4},
        "rules": {"tnc_dose": {"least": "3"}, "class_allele8": {"least": 5}},
        "references": SPLITS + "Hough 2016, doi 10.1111/bjh.13802 (numbers unconfirmed)." + UNCONFIRMED,
    },
)


def create(apps: Any, schema_editor: Any) -> None:
    policies = apps.get_model("matching", "SelectionPolicy").objects
    policies.filter(pk=FIRST).update(is_default=False, retired_at=timezone.now())
    for policy in POLICIES:
        rules = deepcopy(RULES)
        for code, own in policy["rules"].items():
            rules[code] |= own
        policies.create(
            id=policy["id"],
            name=policy["name"],
            version=1,
            indication=policy["indication"],
            population=policy["population"],
            author="Qidai",
            rules={
                "antigen_rule": "split",
                "primary": "antigen6",
                "floors": policy["floors"],
                "required_loci": ["A", "B", "DRB1"],
                "selection": {"rules": rules, "sort": SORT, "pairs": PAIRS},
            },
            references=policy["references"],
            is_default=policy["id"] == MALIGNANT,
            created_by="Qidai",
        )


def remove(apps: Any, schema_editor: Any) -> None:
    policies = apps.get_model("matching", "SelectionPolicy").objects
    policies.filter(pk__in=[policy["id"] for policy in POLICIES]).delete()
    policies.filter(pk=FIRST).update(is_default=True, retired_at=None)


class Migration(migrations.Migration):
    dependencies = [("matching", "0012_choosing_a_graft")]
    operations = [migrations.RunPython(create, remove)]
