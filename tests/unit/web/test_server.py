from __future__ import annotations

from splitdns.daemon.desk import Desk
from splitdns.web.server import Server
from tests.unit.web.browser import FakeServer


def test_the_supervisor_s_desk_and_the_fake_of_the_tests_have_all_that_pages_ask() -> None:
    asked = {name for name in vars(Server) if not name.startswith("_")}

    assert {"loaded", "explained", "cures"} <= asked
    assert asked <= {*vars(Desk), *Desk.__init__.__code__.co_names}
    of_fake = FakeServer.__post_init__.__code__.co_names
    assert asked <= {*vars(FakeServer), *FakeServer.__annotations__, *of_fake}
