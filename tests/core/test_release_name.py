"""No page calls our built-in nomenclature a release of IPD-IMGT/HLA."""

import pytest

from core.templatetags.qidai import release_name


@pytest.mark.parametrize(
    ("release", "shown"), [("3.58.0", "IPD-IMGT/HLA 3.58.0"), ("built-in", "built-in nomenclature")]
)
def test_release_name(release, shown):
    assert release_name(release) == shown
