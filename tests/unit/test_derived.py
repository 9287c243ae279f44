# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from the address of a registry: its scheme is asked and not guessed, and all else is derived."""

from __future__ import annotations

import socket
import threading
from urllib.error import URLError

import pytest
import registry_content as content
from ansible.parsing.vault import EncryptedString
from planning import PAUSE, asked, held, observed
from registry_servers import docker_registry, scripted
from test_k3s_plan_action import runner

from ansible_collections.riscv.k3s.plugins.action import k3s_plan
from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo import scheme as scheme_module
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import accesses
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.scheme import asked_scheme, is_direct
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.derived import derived
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Board
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.controller import inventory_settings
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.read import read
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import mirror as _mirror
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries

REGISTRY = "192.168.173.76:6000"


def boards(seen=(), **variables):
    """Boards b0, b1, … with these variables, and what was seen of registries.yaml on each."""
    names = ["b%d" % number for number in range(max(1, len(seen)))]
    settings = read({name: {"riscv_k3s_" + key: value for key, value in variables.items()} for name in names})
    rows = [{"registries": row} for row in seen] or [{}]
    return [Board(name, row, settings[name]) for name, row in zip(names, rows)]


class Asked:
    """What stands in for the question to a registry; counts how often it is asked."""

    def __init__(self, answer):
        self.answer, self.hosts = answer, []

    def __call__(self, host):
        self.hosts.append(host)
        return self.answer


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_address_alone_is_enough(scheme):
    ask = Asked(scheme)
    first, second = derived(boards([{}, {}], registry=REGISTRY), ask)
    assert ask.hosts == [REGISTRY] and first.settings is second.settings
    settings = first.settings
    assert settings["mirror_prefix"] == REGISTRY + "/stock" and settings["registries_merge"] is True
    assert settings["registries"] == {"mirrors": {REGISTRY: {"endpoint": ["%s://%s" % (scheme, REGISTRY)]}}}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"registry": REGISTRY, "registries": {}},
        {"registry": REGISTRY, "registries": {"mirrors": {}}, "mirror_prefix": REGISTRY + "/riscv64"},
        {"registry": REGISTRY, "fixes": ["preload"]},
        {"registry": REGISTRY, "fixes": ["flag"]},
    ],
)
def test_what_an_inventory_says_itself_stays(variables):
    ask = Asked("http")
    before = boards(**variables)
    assert derived(before, ask) == before and ask.hosts == []


def test_what_k3s_ansible_writes_stays():
    settings = read({"b": {"riscv_k3s_registry": REGISTRY, "registries_config_yaml": "mirrors: {}"}})["b"]
    before = [Board("b", {}, settings)]
    assert derived(before, Asked("http")) == before


def test_a_prefix_of_ones_own_stays():
    (board,) = derived(boards(registry=REGISTRY, mirror_prefix=REGISTRY + "/riscv64"), Asked("http"))
    assert board.settings["mirror_prefix"] == REGISTRY + "/riscv64"


@pytest.mark.parametrize("said, scheme", [(True, "http"), (False, "https")])
def test_a_scheme_that_is_said_is_not_asked(said, scheme):
    ask = Asked(None)
    (board,) = derived(boards(registry=REGISTRY, registry_plain_http=said), ask)
    assert board.settings["registries"]["mirrors"][REGISTRY]["endpoint"] == ["%s://%s" % (scheme, REGISTRY)]
    assert ask.hosts == []


def written(scheme):
    """What is derived, and the checksum of the file that says so."""
    config = {"mirrors": {REGISTRY: {"endpoint": ["%s://%s" % (scheme, REGISTRY)]}}}
    return config, sha256(_registries.text(_mirror.with_mirror(config, REGISTRY + "/stock")).encode())


@pytest.mark.parametrize("key", ["sha256", "wanted"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_boards_that_have_the_file_spare_the_question(scheme, key):
    """The registry may be down then: a fleet that is as wanted needs it for nothing."""
    config, digest = written(scheme)
    ask = Asked(None)
    found = derived(boards([{"sha256": digest}, {"sha256": "1", key: digest}], registry=REGISTRY), ask)
    assert ask.hosts == [] and [board.settings["registries"] for board in found] == [config, config]


@pytest.mark.parametrize("other", ["https", None])
def test_one_board_alone_makes_no_other_speak_http(other):
    """It may have been taken over: then the registry is asked."""
    https, digest = written("https")
    ask = Asked("https")
    rows = [{"sha256": written("http")[1]}, {"sha256": digest} if other else {}]
    found = derived(boards(rows, registry=REGISTRY), ask)
    assert ask.hosts == [REGISTRY] and [board.settings["registries"] for board in found] == [https, https]


@pytest.mark.parametrize("address", ["http://192.168.173.76:6000", "192.168.173.76:6000/riscv64", "a b"])
def test_an_address_that_is_none(address):
    with pytest.raises(Problem, match="riscv_k3s_registry is not a registry.*HOST:PORT, without scheme and path"):
        derived(boards(registry=address), Asked("http"))


@pytest.mark.parametrize("address", ["myhost", "registry", 6000, "index.docker.io", "docker.io", "docker.io:443"])
def test_an_address_below_which_names_are_docker_io_s(address):
    """Images for the private registry, and the user's login, would go to docker.io."""
    with pytest.raises(Problem, match="riscv_k3s_registry is not a registry (in an image's name|of your own)"):
        derived(boards(registry=address), Asked("http"))


@pytest.mark.parametrize("prefix", ["myhost/stock", "6000/stock", "http://192.168.173.76:6000/stock", "a.example:0/x"])
@pytest.mark.parametrize("registries", [None, {}])
def test_a_prefix_below_which_names_are_docker_io_s(prefix, registries):
    variables = {"riscv_k3s_mirror_prefix": prefix}
    variables.update({"riscv_k3s_registries": registries} if registries is not None else {})
    with pytest.raises(Problem, match="riscv_k3s_mirror_prefix must be a registry"):
        inventory_settings(variables)
    with pytest.raises(Problem, match="riscv_k3s_mirror_prefix must be a registry"):
        _mirror.with_mirror(registries, prefix)


IMPOSSIBLE = [
    "h:0",
    "h:99999",
    "127.0.0.1:655360",
    "[:::::]:1",
    "a" * 64 + ".example:1",
    ".".join(["a" * 60] * 5) + ":1",
]


@pytest.mark.parametrize("address", IMPOSSIBLE)
def test_an_address_that_nobody_can_have(address):
    for asking in (lambda: derived(boards(registry=address), Asked("http")), lambda: accesses(options(address))):
        with pytest.raises(Problem, match="not a registry"):
            asking()


def test_a_login_in_an_address_is_not_shown():
    for asking in (
        lambda: derived(boards(registry="user:hunter2@h.example:5000"), Asked("http")),
        lambda: accesses(options("user:hunter2@h.example:5000")),
        lambda: inventory_settings({"riscv_k3s_mirror_prefix": "user:hunter2@h.example/x"}),
    ):
        with pytest.raises(Problem, match="…@h.example") as caught:
            asking()
        assert "hunter2" not in str(caught.value)


def test_roles_of_the_controller_know_the_prefix():
    variables = {"riscv_k3s_registry": REGISTRY}
    assert inventory_settings(variables)["mirror_prefix"] == REGISTRY + "/stock"
    assert inventory_settings(dict(variables, riscv_k3s_registries={}))["mirror_prefix"] is None
    assert inventory_settings(dict(variables, registries_config_yaml="x"))["mirror_prefix"] is None


@pytest.fixture(name="run")
def _run(tmp_path, monkeypatch):
    monkeypatch.setattr(k3s_plan, "asked_scheme", lambda host: "http")
    return runner(tmp_path)


def test_a_plan_shows_what_was_derived_and_holds_it_for_the_roles(run):
    row = {"k3s_seen": observed([held(PAUSE)], demand=[asked(PAUSE)]), "riscv_k3s_registry": REGISTRY}
    result = run({"b1": row})
    board = result["boards"]["b1"]
    assert board["registries"]["change"] and board["settings"]["mirror_prefix"] == REGISTRY + "/stock"
    assert board["derived_registries"] == {"mirrors": {REGISTRY: {"endpoint": ["http://" + REGISTRY]}}}
    assert any("%s speaks http" % REGISTRY in line for line in result["table"])


def warned(run, closer=None, **variables):
    """The warnings of a plan for a board with these variables."""
    row = observed([held(PAUSE)], demand=[asked(PAUSE)])
    if closer is not None:
        row["registries"] = {"present": True, "path": "/etc/rancher/k3s/registries.yaml", "sha256": "1"}
        look = {"item": "b1", "others": closer, "replaced": []}
        variables["k3s_closer_registries"] = {"results": [look]}
    boards_of = {"b1": {"k3s_seen": row, "riscv_k3s_registry": REGISTRY, **variables}}
    return " ".join(run(boards_of, closer=True)["warnings"])


@pytest.mark.parametrize("name", ["username", "identity_token"])
def test_boards_that_get_no_login_are_told_of(run, name):
    """The controller pushes, and the pulls of the boards get 401."""
    variables = {"riscv_k3s_registry_" + name: "{{ from_a_vault }}"}
    said = warned(run, riscv_k3s_registry_plain_http=True, **variables)
    assert "no login for %s" % REGISTRY in said and "configs.%s.auth" % REGISTRY in said and "vault" not in said
    kept = "configs.%s.auth" % REGISTRY
    assert "no login" not in warned(run, closer=[kept], riscv_k3s_registry_plain_http=True, **variables)
    assert "no login" in warned(run, closer=[], riscv_k3s_registry_plain_http=True, **variables)
    assert "no login" not in warned(run, riscv_k3s_registry_plain_http=True)


def test_a_login_in_a_vault_that_is_not_open_ends_nothing(run):
    secret = EncryptedString(ciphertext="$ANSIBLE_VAULT;1.1;AES256\n3132")
    variables = {"riscv_k3s_registry_plain_http": True, "riscv_k3s_registry_ca_file": secret}
    assert "no login" in warned(run, riscv_k3s_registry_username=secret, **variables)
    assert "no login" not in warned(run, riscv_k3s_registry_username="", **variables)
    assert "on itself" in warned(run, riscv_k3s_registry="localhost:5000", ansible_connection=secret)


@pytest.mark.parametrize(
    "scheme, variables, is_told",
    [
        ("https", {"ca_file": "/etc/ca.pem"}, True),
        ("https", {"tls_verify": False}, True),
        ("https", {"tls_verify": True}, False),
        # Of a survey that nobody answered.
        ("https", {"tls_verify": "", "ca_file": ""}, False),
        ("https", {}, False),
        ("http", {"tls_verify": False}, False),
    ],
)
def test_boards_that_know_nothing_of_a_certificate_are_told_of(run, monkeypatch, scheme, variables, is_told):
    """k3s 1148, 2429: the registry's own authority, known to one machine and not to the next."""
    monkeypatch.setattr(k3s_plan, "asked_scheme", lambda host: scheme)
    said = warned(run, **{"riscv_k3s_registry_" + key: value for key, value in variables.items()})
    assert ("about the certificate of %s" % REGISTRY in said) == is_told


@pytest.mark.parametrize("address", ["localhost:5000", "127.0.0.1:5000", "[::1]:5000", "localhost"])
def test_a_registry_that_each_board_looks_for_on_itself(run, address):
    """k3d 763 and 1019: the registry runs on one machine."""
    told = "each board looks for %s on itself" % address
    assert told in warned(run, riscv_k3s_registry=address)
    assert told not in warned(run, riscv_k3s_registry=address, ansible_connection="local")
    assert "on itself" not in warned(run, riscv_k3s_registry="127-0-0-1.example:5000")


@pytest.mark.parametrize("required, fix", [(True, "tag"), (False, "stock")])
def test_what_nothing_runs_yet_is_pulled_from_nowhere_else(run, required, fix):
    """As klipper-helm on boards that reach the registry alone: a pull that must fail would end the run."""
    demand = [dict(asked("docker.io/rancher/klipper-helm:v0.7.3"), required=required)]
    row = {"k3s_seen": observed([], demand=demand), "riscv_k3s_catalogue": None}
    boards_of = {"b1": dict(row, riscv_k3s_registry=REGISTRY)}
    (image,) = run(boards_of)["boards"]["b1"]["images"]
    assert image["fix"] == fix and ("riscv.k3s.publish" in image["reason"]) == (not required)
    # An inventory that says all itself is done as it says.
    (image,) = run({"b1": row})["boards"]["b1"]["images"]
    assert image["fix"] == "tag"


def test_nothing_is_derived_where_the_inventory_says_all(run):
    row = {"k3s_seen": observed([held(PAUSE)], demand=[asked(PAUSE)]), "riscv_k3s_registry": REGISTRY}
    result = run({"b1": dict(row, riscv_k3s_registries={"mirrors": {}})})
    assert result["boards"]["b1"]["derived_registries"] is None


# --- the question, to real servers ---


@pytest.fixture(name="certificate", scope="module")
def _certificate(tmp_path_factory):
    return content.certificate(tmp_path_factory.mktemp("certificate"))


@pytest.mark.parametrize("login", [False, True])
def test_a_real_registry_by_http(tmp_path, fresh_home, login):
    with docker_registry(tmp_path, login=login) as host:
        assert asked_scheme(host, 5) == "http"


@pytest.mark.parametrize("login", [False, True])
def test_a_real_registry_by_https(tmp_path, fresh_home, certificate, login):
    with docker_registry(tmp_path, login, *certificate) as host:
        assert asked_scheme(host, 5) == "https"


@pytest.mark.parametrize(
    "host, is_there, hint",
    [
        ("harbor.lan", True, True),
        ("[fd00::76]", True, True),
        ("harbor.lan", False, False),
        ("harbor.lan:6000", True, False),
    ],
)
def test_a_registry_at_port_80_is_named_and_not_taken(host, is_there, hint):
    """Harbor's first installation speaks http (k3s 3133). Whoever closes port 443 must not make boards speak it."""

    def ask(url, timeout):
        if url.startswith("https") or not is_there:
            raise URLError(ConnectionRefusedError(111, "Connection refused"))

    with pytest.raises(Problem, match="does not answer.*Connection refused") as caught:
        asked_scheme(host, 1, ask)
    assert ("at port 80 something answers" in str(caught.value)) == hint


def test_an_answer_of_any_kind_is_one_and_leads_nowhere(fresh_home):
    with scripted({("GET", "/v2/"): (302, {"Location": "http://127.0.0.1:1/elsewhere"}, b"")}) as (host, script):
        assert asked_scheme(host, 5) == "http"
        assert [row[:2] for row in script.seen] == [("GET", "/v2/")]


@pytest.mark.parametrize(
    "code, is_one", [(200, True), (401, True), (429, True), (503, True), (404, False), (405, False)]
)
def test_a_web_server_that_is_no_registry(fresh_home, code, is_one):
    """docker.io is not looked for where a router's page or a file server answers."""
    with scripted({("GET", "/v2/"): (code, {}, b"")}) as (host, dummy):
        if is_one:
            assert asked_scheme(host, 5) == "http"
            return
        with pytest.raises(Problem, match="what answers at %s is no registry.*HTTP %d" % (host, code)):
            asked_scheme(host, 5)


def test_nobody_there(fresh_home):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = "127.0.0.1:%d" % free.getsockname()[1]
        with pytest.raises(Problem, match="the registry %s does not answer.*refused.*riscv_k3s_registry" % host):
            asked_scheme(host, 2)


@pytest.mark.parametrize("greeting", [b"SSH-2.0-x\r\n", b"", b"\x00" * 500])
def test_what_is_no_web_server(fresh_home, greeting):
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = "127.0.0.1:%d" % server.getsockname()[1]

        def greet():
            while True:
                try:
                    with server.accept()[0] as connection:
                        connection.recv(4096)
                        connection.sendall(greeting)
                except OSError:
                    return

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(Problem, match="does not answer"):
            asked_scheme(host, 2)
        server.shutdown(socket.SHUT_RDWR)


def test_one_that_says_nothing_ends_in_time(fresh_home):
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = "127.0.0.1:%d" % server.getsockname()[1]
        with pytest.raises(Problem, match="does not answer.*timed out"):
            asked_scheme(host, 1)


def test_one_that_drips_ends_in_time(fresh_home):
    """Each byte comes within the time, the whole answer never."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def drip():
            for first in (b"HTTP/1.0 400 Bad Request\r\n\r\n", b"HTTP/1.0 200 OK\r\n"):
                with server.accept()[0] as connection:
                    connection.recv(4096)
                    connection.sendall(first)
                    while b"200" in first and not ended.wait(0.1):
                        connection.sendall(b"X")

        threading.Thread(target=drip, daemon=True).start()
        with pytest.raises(Problem, match="does not answer.*timed out: no whole answer within 1 seconds"):
            asked_scheme("127.0.0.1:%d" % server.getsockname()[1], 1)
        ended.set()


@pytest.mark.parametrize("host", ["[:::::]:1", "a" * 70 + ".example:1"])
def test_a_name_that_no_resolver_takes(host):
    with pytest.raises(Problem, match="does not answer"):
        asked_scheme(host, 1)


def options(host, **more):
    return {"registries": [dict({"host": host, "ask_scheme": True}, **more)], "timeout": 5}


@pytest.mark.parametrize(
    "no_proxy, url, direct",
    [
        # ansible/ansible#52705: Python knows neither networks nor ports there, Go does.
        ("10.0.0.0/8, 192.168.0.0/16", "https://192.168.173.76:6000/v2/", True),
        ("10.0.0.0/8,.svc", "https://192.168.173.76:6000/v2/", False),
        ("192.168.173.76/24", "http://192.168.173.76/v2/", True),
        ("fd00::/8", "https://[fd00::5]:5000/v2/", True),
        ("192.168.173.76:6000", "https://192.168.173.76:6000/v2/", True),
        ("192.168.173.76:5000,[fd00::5]:443", "https://192.168.173.76:6000/v2/", False),
        ("[fd00::5]:443", "https://[fd00::5]/v2/", True),
        ("192.168.173.76", "https://192.168.173.76:6000/v2/", True),
        # Names are not looked up.
        ("0.0.0.0/0", "https://reg.example/v2/", False),
        ("example", "https://reg.example/v2/", True),
        (".example,", "https://REG.example:5000/v2/", True),
        (".reg.example", "https://reg.example/v2/", False),
        ("*.example:5000", "https://reg.example:5000/v2/", True),
        ("g.example, , .", "https://reg.example/v2/", False),
        ("*", "https://reg.example/v2/", True),
        ("", "https://reg.example/v2/", False),
        ("", "https://localhost:5000/v2/", True),
        ("", "https://127.0.0.5:5000/v2/", True),
    ],
)
def test_a_proxy_is_asked_where_skopeo_asks_one(monkeypatch, fresh_home, no_proxy, url, direct):
    asked_how = []
    monkeypatch.setattr(scheme_module, "open_url", lambda url, **how: asked_how.append(how["use_proxy"]) or content)
    monkeypatch.setattr(content, "close", lambda: None, raising=False)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, no_proxy)
        scheme_module._ask(url, 1)
        monkeypatch.delenv(name)
    assert (is_direct(url), asked_how) == (direct and not no_proxy, [not direct] * 2)


def test_a_module_asks_and_keeps_logins_from_one_that_speaks_http(tmp_path, fresh_home):
    with docker_registry(tmp_path) as host:
        access = accesses(options(host))[host]
        assert access.plain_http and access.anonymous
        with pytest.raises(Problem, match="speaks http, so the login was not sent.*riscv_k3s_registry_plain_http"):
            accesses(options(host, username="u", password="p"))
        said = accesses(options(host, username="u", password="p", plain_http=True))[host]
        assert said.plain_http and not said.anonymous


def test_a_module_asks_and_gives_logins_to_one_that_speaks_https(tmp_path, fresh_home, certificate):
    with docker_registry(tmp_path, False, *certificate) as host:
        access = accesses(options(host, username="u", password="p"))[host]
        assert not access.plain_http and not access.anonymous and access.has_login
