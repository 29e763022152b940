"""Users that show a certificate instead of a password."""

import pytest

from harness import tls
from harness.cluster import USERS
from harness.waiting import until
from harness.wire import LoginFailed, tls_context

pytestmark = pytest.mark.own


@pytest.fixture
def proxy(shared, certificates):
    changes = {**tls.listen(certificates.server, client_ca_file=certificates.ca.cert),
               "users": {"app": {"password": USERS["app"], "certificate": "the app"}}}
    return shared("certificates", changes=changes)


@pytest.fixture(scope="module")
def pairs(certificates):
    return {name: certificates.ca.client(f"shown-{number}", name)
            for number, name in enumerate(("the app", "another app", "the app/CN=another app"))}


def shown(certificates, pair):
    return tls_context(certificates.ca.cert, client=pair)


def refused(proxy, user="app", **options):
    with pytest.raises(LoginFailed) as caught:
        proxy.wire(user, **options)
    return caught.value.answer


def test_the_name_lets_in_without_a_password(proxy, certificates, pairs):
    with proxy.wire("app", password="", tls=shown(certificates, pairs["the app"])) as wire:
        assert wire.value("select current_user") == "app"
        kinds = [message.kind for message in wire.heard]
        assert kinds[0] == "R" and kinds.count("R") == 1, "nothing was asked for"


@pytest.mark.parametrize("name", ["another app", "the app/CN=another app"])
def test_another_name_does_not(proxy, certificates, pairs, name):
    answer = refused(proxy, tls=shown(certificates, pairs[name]))
    assert (answer.sqlstate, answer.text) == ("28000", 'certificate authentication failed for user "app"')


def test_a_password_does_not(proxy, certificates):
    assert refused(proxy, tls=shown(certificates, certificates.client)).sqlstate == "28000"
    assert refused(proxy).sqlstate == "28000", "in plain text"


def test_other_users_still_need_their_password(proxy, certificates, pairs):
    context = shown(certificates, pairs["the app"])
    with proxy.wire("app2", tls=context) as wire:
        assert wire.value("select current_user") == "app2"
    assert refused(proxy, "app2", password="wrong", tls=context).sqlstate == "28P01"


def test_a_reload_takes_the_certificate_for_the_password_again(start, certificates, pairs):
    proxy = start(changes={**tls.listen(certificates.server, client_ca_file=certificates.ca.cert),
                           "users": {"app": {"password": USERS["app"], "certificate": "the app"}}})
    context = shown(certificates, pairs["the app"])
    proxy.wire("app", password="", tls=context).terminate()
    proxy.reload({"users": {"app": {"certificate": None}}})
    until(lambda: '"reloaded"' in proxy.log_text(), "the reload is done")
    assert refused(proxy, password="wrong", tls=context).sqlstate == "28P01"
    proxy.wire("app", tls=context).terminate()
