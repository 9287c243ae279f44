# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a registry may be told its password: verdicts on logs of skopeo 1.9.3, and on that one itself.

The logs were recorded against such servers (``skopeo --debug inspect --raw --no-creds``), which all were 127.0.0.1:5000
then; tests put other hosts in their places.
"""

import contextlib
import json
import re

import pytest
import registry_content as content
from fakes import read
from registry_servers import scripted

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import RegistryProblem
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import Access
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.trust import check
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName

RECORDED = "127.0.0.1:5000"
LOGIN = {"username": "u", "password": "s3cret"}


def log(kind, host=RECORDED, token=None):
    """A recorded log, of the registry at ``host``, which named the token server ``token`` (URL without path)."""
    text = read("skopeo_%s_1.9.txt" % kind)
    if token:
        text = re.sub(r"https?://127\.0\.0\.1:5000(?=/token)", token, text)
    return text.replace(RECORDED, host)


def verdict(text, host=RECORDED, **access):
    """The cause and text of the problem, (None, "") where the password may go."""
    try:
        check(text, Access(host, **access))
    except RegistryProblem as problem:
        return problem.cause, str(problem)
    return None, ""


ALLOWED = [
    ("127.0.0.1:5000", "https://127.0.0.1:5000"),
    ("reg.example.org:5000", "https://reg.example.org:5000"),
    ("reg.example.org:5000", "https://reg.example.org"),
    ("reg.example.org", "https://reg.example.org:443"),
    ("quay.io", "https://quay.io"),
    ("registry.gitlab.com", "https://gitlab.com"),
    ("registry.example.co.uk", "https://auth.example.co.uk"),
    ("[fd00::1]:5000", "https://[fd00::1]:5000"),
    ("registry", "https://registry"),
    # Go asks a host as it is written, registries name themselves in small letters.
    ("Reg.Example.org:5000", "https://reg.example.org:5000"),
    ("Reg.Example.org", "https://AUTH.example.org"),
]
REFUSED = [
    ("reg.example.org:5000", "https://elsewhere.example.net", "elsewhere.example.net"),
    ("reg.example.org:5000", "https://reg.example.org:5001", "reg.example.org:5001"),
    ("reg.example.org:5000", "http://reg.example.org", "reg.example.org"),
    ("reg.example.org", "http://auth.example.org", "auth.example.org"),
    ("127.0.0.1:5000", "https://127.0.0.2", "127.0.0.2"),
    ("192.168.1.5:5000", "https://7.168.1.5", "7.168.1.5"),
    ("127.0.0.1:5000", "https://0.0.1", "0.0.1"),
    ("registry.gitlab.com", "https://gitlab.com.example.net", "gitlab.com.example.net"),
    ("registry.gitlab.com", "https://notgitlab.com", "notgitlab.com"),
    # com is nobody's own
    ("gitlab.com", "https://example.com", "example.com"),
    ("quay.io", "https://evil.io", "evil.io"),
    ("registry", "https://registry.example.net", "registry.example.net"),
    ("[fd00::1]:5000", "https://[fd00::2]:5000", "[fd00::2]:5000"),
    # Go takes these two for addresses, Python does not.
    ("[fd00::1]:5000", "https://x.1]", None),
    ("reg.example.org", "https://reg.example.org:99999", None),
    ("reg.example.org", "https://reg.example.org@evil.example.net", "reg.example.org@evil.example.net"),
    ("reg.example.org", "https://reg.example.org:443@evil.example.net", "reg.example.org:443@evil.example.net"),
]


@pytest.mark.parametrize("host, token", ALLOWED)
def test_a_token_server_of_its_own(host, token):
    assert verdict(log("token", host, token), host, **LOGIN) == (None, "")


@pytest.mark.parametrize(
    "token, cause",
    [
        ("https://auth.docker.io", None),
        ("https://evil.example.net", "registry-auth"),
        ("https://docker.io.evil.net", "registry-auth"),
    ],
)
def test_docker_hub(token, cause):
    """Its images are called docker.io/…, registry-1.docker.io serves them, and auth.docker.io gives the tokens."""
    assert verdict(log("token", "registry-1.docker.io", token), "docker.io", **LOGIN)[0] == cause


@pytest.mark.parametrize("host, token, named", REFUSED)
def test_a_token_server_of_somebody_else(host, token, named):
    cause, text = verdict(log("token", host, token), host, **LOGIN)
    assert cause == "registry-auth" and "s3cret" not in text
    assert (
        named is None
        or "the password for %s is not sent to %s." % (host, named) in text
        and "token_server: %s" % named in text
    )


@pytest.mark.parametrize("host, token, named", [case for case in REFUSED if case[2] and "@" not in case[2]])
def test_a_token_server_that_the_inventory_names(host, token, named):
    assert verdict(log("token", host, token), host, token_server=named, **LOGIN) == (None, "")
    assert verdict(log("token", host, token), host, token_server="other.example.org", **LOGIN)[0] == "registry-auth"


@pytest.mark.parametrize("login", [LOGIN, {"identity_token": "t0ken"}])
def test_every_kind_of_login_is_looked_after(login):
    assert verdict(log("token", token="https://evil.example.net"), **login)[0] == "registry-auth"
    assert verdict(log("basic"), **login)[0] is None


def test_without_a_login_there_is_nothing_to_send():
    assert verdict(log("token", token="https://evil.example.net"))[0] is None


def test_https_that_is_not_checked_and_falls_back_to_http():
    """skopeo does so by itself with --tls-verify=false, and then sends a password in the clear."""
    for access in (dict(LOGIN, tls_verify=False), {"tls_verify": False}, {}):
        cause, text = verdict(log("fallback"), **access)
        assert cause == "plain-http" and "set plain_http" in text
    assert verdict(log("fallback"), plain_http=True, **LOGIN)[0] is None
    assert verdict(log("first-record"), **LOGIN)[0] is None, "that one is refused by skopeo itself"


def test_plain_http_as_the_inventory_says_is_no_leave_to_go_elsewhere():
    elsewhere = log("fallback", token="http://elsewhere.example.net")
    assert verdict(elsewhere, plain_http=True, **LOGIN)[0] == "registry-auth"
    assert verdict(log("fallback", token="http://127.0.0.1"), plain_http=True, **LOGIN)[0] is None


@pytest.mark.parametrize(
    "text", ["", 'level=fatal msg="unknown flag: --debug"', 'time="x" level=debug msg="Trying to access \\"a\\""']
)
def test_a_log_without_an_address_is_not_taken_for_leave(text):
    cause, said = verdict(text, **LOGIN)
    assert cause == "unknown" and "it is unknown where" in said
    assert verdict(text)[0] is None


@contextlib.contextmanager
def two_servers(tmp_path, realm, second_by_https=True):
    """(registry by https that sends to ``realm``, the other server's address and Script, options of an Access)."""
    pem, key = content.certificate(tmp_path)
    manifest, blobs = content.image()
    with (
        scripted({}, pem, key) as (host, script),
        scripted({}, *([pem, key] if second_by_https else [])) as (
            other,
            second,
        ),
    ):
        asks = {"WWW-Authenticate": 'Bearer realm="%s",service="x"' % realm.format(host=host, other=other)}
        script.answers[("GET", "/v2/")] = (401, asks, b"")
        script.answers[("GET", "/v2/app/manifests/1")] = (200, {"Content-Type": content.OCI_MANIFEST}, manifest)
        script.answers[("GET", "/token")] = second.answers[("GET", "/token")] = (
            200,
            {},
            json.dumps({"token": "t"}).encode(),
        )
        yield host, script, other, second, {"plain_http": False, "ca_file": pem}


def with_password(script):
    return [path for dummy, path, headers, dummy in script.seen if headers.get("Authorization") == content.BASIC]


def ask(host, **options):
    with content.opened(host, username=content.USER, password=content.PASSWORD, **options) as skopeo:
        return skopeo.manifest(ImageName.parse(host + "/app:1"))


@pytest.mark.usefixtures("fresh_home")
@pytest.mark.parametrize("by_https", [True, False])
def test_skopeo_is_not_let_send_it_to_another(tmp_path, by_https):
    realm = "https://{other}/token" if by_https else "http://{other}/token"
    with two_servers(tmp_path, realm, by_https) as (host, script, other, second, options):
        with pytest.raises(RegistryProblem, match="the password for %s is not sent to %s" % (host, other)):
            ask(host, **options)
        assert (with_password(script), with_password(second)) == ([], []) and second.seen
        # And it would have been: the check is what held it back.
        assert ask(host, token_server=other, **options) == content.image()[0]
        assert with_password(second)


@pytest.mark.usefixtures("fresh_home")
def test_skopeo_is_let_send_it_to_the_registry_itself(tmp_path):
    with two_servers(tmp_path, "https://{host}/token") as (host, script, dummy, second, options):
        assert ask(host, **options) == content.image()[0]
        assert with_password(script) and second.seen == []


@pytest.mark.usefixtures("fresh_home")
def test_skopeo_is_not_let_fall_back_to_http():
    with scripted({("GET", "/v2/"): (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")}) as (host, script):
        with pytest.raises(RegistryProblem) as caught:
            ask(host, plain_http=False, tls_verify=False)
        assert (caught.value.cause, with_password(script)) == ("plain-http", [])
        with pytest.raises(RegistryProblem):
            ask(host)
        assert with_password(script)


@pytest.mark.usefixtures("fresh_home")
def test_what_was_found_is_kept(tmp_path):
    """One question without a login a registry, not one a question; and a refusal stays one."""
    with two_servers(tmp_path, "https://{other}/token") as (host, script, other, second, options):
        with content.opened(host, username=content.USER, password=content.PASSWORD, **options) as skopeo:
            for _time in range(3):
                with pytest.raises(RegistryProblem, match="is not sent to"):
                    skopeo.manifest(ImageName.parse(host + "/app:1"))
        assert [path.partition("?")[0] for dummy, path, dummy, dummy in second.seen] == ["/token"]
