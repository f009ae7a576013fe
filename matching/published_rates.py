"""Published match rates of cord blood inventories, to be read beside our own: other populations, other rules.

Domain notes, matching 7.1. They judge nothing: neither the simulation nor the inventory has to agree with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True)
class PublishedRate:
    """A share of patients with at least one unit of `floor` of 6 or better.

    units: size of the inventory, None where the source does not say. confirmed: False where we know the figure only
    from memory. dose: what is known of a dose filter.
    """

    population: str | StrPromise
    when: str
    units: int | None
    floor: int
    percent: float
    dose: str | StrPromise
    source: str
    confirmed: bool = True


_SHANGHAI = _("Shanghai Cord Blood Bank, its patients; a newspaper's figures, typing not stated")
_KOREA = _("Korea, frequencies from 17,508 units")
_UK = _("United Kingdom, patients and units of all origins")
_CHINESE_ADULT = _("Chinese Americans of 20 years and above")
_CHINESE_CHILD = _("Chinese Americans below 20 years")
_UNKNOWN, _NONE, _IN_MODEL = _("not stated"), _("none known"), _("part of the model")
_XMWB, _TRF, _HAEM = "xmwb.xinmin.cn 2013-08-08", "doi 10.1111/trf.12284", "Querol 2009, Haematologica"
_VOX, _NEJM = "Vox Sang 2012, 3D-S18-01", "Gragert 2014, doi 10.1056/NEJMsa1311707"

PUBLISHED: Final[tuple[PublishedRate, ...]] = (
    PublishedRate(_SHANGHAI, "2013", None, 6, 26, _UNKNOWN, _XMWB),
    PublishedRate(_SHANGHAI, "2013", None, 5, 84, _UNKNOWN, _XMWB),
    PublishedRate(_SHANGHAI, "2013", None, 4, 100, _UNKNOWN, _XMWB),
    PublishedRate(_KOREA, "2013", 500_000, 6, 47, _NONE, _TRF),
    PublishedRate(_KOREA, "2013", 51_000, 5, 95, _NONE, _TRF),
    PublishedRate(_KOREA, "2013", 2_150, 4, 95, _NONE, _TRF),
    PublishedRate(_UK, "2009", 50_000, 5, 80, _UNKNOWN, _HAEM),
    PublishedRate(_UK, "2009", 50_000, 4, 98, _UNKNOWN, _HAEM),
    PublishedRate(_UK, "2012", 15_000, 5, 65, _UNKNOWN, _VOX),
    PublishedRate(_UK, "2012", 5_000, 5, 50, _UNKNOWN, _VOX),
    PublishedRate(_CHINESE_ADULT, "2014", None, 6, 6, _IN_MODEL, _NEJM, confirmed=False),
    PublishedRate(_CHINESE_ADULT, "2014", None, 5, 44, _IN_MODEL, _NEJM, confirmed=False),
    PublishedRate(_CHINESE_ADULT, "2014", None, 4, 91, _IN_MODEL, _NEJM, confirmed=False),
    PublishedRate(_CHINESE_CHILD, "2014", None, 6, 19, _IN_MODEL, _NEJM, confirmed=False),
    PublishedRate(_CHINESE_CHILD, "2014", None, 5, 77, _IN_MODEL, _NEJM, confirmed=False),
    PublishedRate(_CHINESE_CHILD, "2014", None, 4, 98, _IN_MODEL, _NEJM, confirmed=False),
)
SIZES: Final = tuple(sorted({one.units for one in PUBLISHED if one.units}))
