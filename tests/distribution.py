"""How tests are shared out among processes: those that drive the product go to one, its pages to another.

(The groups of pytest-xdist 3.8, `--dist loadgroup`, have no effect with pytest 9.)
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

PRODUCT = "tests/paths/"
# Nearly half of what the product's tests take, and needs nothing of the others: with a product of its own both halves
# end at about the same time.
PAGES = "tests/paths/test_pages.py"


class ProductTogether(LoadScopeScheduling):
    """Every test by itself, except that the tests of the running product stay together."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for group in (PAGES, PRODUCT) if nodeid.startswith(group)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ProductTogether:
    return ProductTogether(config, log)
