"""How tests are shared out when several processes run them: those that drive the product all go to one.

(The groups of pytest-xdist 3.8, `--dist loadgroup`, have no effect with pytest 9.)
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

PRODUCT = "tests/paths/"


class ProductTogether(LoadScopeScheduling):
    """Every test by itself, except that the tests of the running product stay together."""

    def _split_scope(self, nodeid: str) -> str:
        return PRODUCT if nodeid.startswith(PRODUCT) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ProductTogether:
    return ProductTogether(config, log)
