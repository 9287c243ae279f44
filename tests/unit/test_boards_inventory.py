# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin boards, in this process, with ssh servers on loopback addresses as boards."""

import functools
import json
import pathlib
import time

import paramiko
import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.doc_fragments import constructed, inventory_cache
from ansible.template import Templar, trust_as_template
from ssh_boards import SshBoard, answer, same_port

from ansible_collections.riscv.k3s.plugins.inventory import boards as plugin
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.kept import usable
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh import connect

PASSWORD = "one-time-hunter2"
NAME = plugin.InventoryModule.NAME


@pytest.fixture(scope="module", autouse=True)
def _documented():
    """Its options, as Ansible reads them from its documentation."""
    options = yaml.safe_load(plugin.DOCUMENTATION)["options"]
    for fragment in (constructed, inventory_cache):
        options.update(yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"])
    constants.config.initialize_plugin_configuration_definitions("inventory", NAME, options)


class Run:
    """What an inventory made: groups {name: [hosts]}, hosts {name: variables}, warnings, seconds."""

    def __init__(self, path, cache=True):
        start = time.monotonic()
        module = plugin.InventoryModule()
        module._load_name = module.ansible_name = NAME
        self.warnings = []
        module.display = type("Display", (), {"warning": lambda display, text: self.warnings.append(text)})()
        inventory = InventoryData()
        assert module.verify_file(str(path))
        module.parse(inventory, DataLoader(), str(path), cache=cache)
        if module.get_option("cache"):
            module.update_cache_if_changed()
        inventory.reconcile_inventory()
        self.groups = {
            name: sorted(host.name for host in group.get_hosts()) for name, group in inventory.groups.items()
        }
        self.hosts = {name: host.get_vars() for name, host in inventory.hosts.items()}
        self.seconds = time.monotonic() - start


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    """Boards on 127.0.1.1 and on, all with one port, and an inventory of them: fleet(kinds, **options) is its path."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    boards = []

    def start(kinds, **options):
        addresses = ["127.0.1.%d" % number for number in range(1, len(kinds) + 1)]
        port = same_port(addresses)
        for address, kind in zip(addresses, kinds):
            if kind is not None:
                boards.append(SshBoard(address, port, **dict({"password": PASSWORD}, **kind)))
        (tmp_path / "known").write_text("".join(board.known() for board in boards))
        start.boards, start.port = boards, port
        return write(port=port, addresses=["127.0.1.1-%d" % len(kinds)], **options)

    def write(**options):
        path = tmp_path / "boards.riscv_k3s.yml"
        known = {"plugin": NAME, "known_hosts": ["known"], "password": PASSWORD, "timeout": 5}
        path.write_text(yaml.safe_dump(dict(known, **options)))
        return path

    start.write = write
    yield start
    for board in boards:
        board.close()


def of(**told):
    return {"answer": functools.partial(answer, **told)}


AGENT = of(board={"ran_as": "k3s-agent"}, machine={"model": "VisionFive 2"}, system="ID=alpine\nVERSION_ID=3.22.1\n")
NO_K3S = of(board={"k3s": "", "ran_as": "", "running": ""})
TWENTY = [
    of(),
    *[dict(AGENT, delay=0.5)] * 12,
    NO_K3S,
    dict(of(), delay=1),
    {"silent": True},
    None,
    dict(of(), password="x"),
] + [
    {"answer": lambda token: "\x1b[2Jnonsense"},
    of(),
]


def test_twenty_boards_within_the_time_of_the_slowest_and_then_from_the_cache(fleet, tmp_path):
    path = fleet(TWENTY, timeout=2, cache=True, cache_plugin="jsonfile", cache_connection=str(tmp_path / "cache"))
    fleet.boards[-1].close()
    stranger = SshBoard("127.0.1.20", fleet.port)
    fleet.boards.append(stranger)
    run = Run(path)
    # One never answers. One after the other they would take 9 s.
    assert run.seconds < 4.5
    groups = run.groups
    assert (groups["server"], len(groups["agent"])) == (["127.0.1.1", "127.0.1.15"], 12)
    assert groups["k3s_cluster"] == sorted(groups["server"] + groups["agent"])
    assert groups["no_k3s"] == ["127.0.1.14"]
    assert groups["unreachable"] == ["127.0.1.%d" % number for number in (16, 17, 18, 19, 20)]
    assert groups["arch_riscv64"] == sorted(groups["k3s_cluster"] + groups["no_k3s"])
    assert groups["model_visionfive_2"] == groups["os_alpine_3_22_1"] == groups["os_alpine"] == groups["agent"]
    assert groups["os_debian_13"] == sorted(groups["server"] + groups["no_k3s"])
    reasons = [run.hosts[name]["k3s_board"]["problem"]["reason"] for name in groups["unreachable"]]
    assert reasons == ["timeout", "refused", "authentication", "nonsense", "host_key_changed"]
    assert [text.split(" is ")[0] for text in run.warnings] == groups["unreachable"]
    assert stranger.logins == [] and all(text.isprintable() for text in run.warnings)

    asked = sum(len(board.commands) for board in fleet.boards)
    again = Run(path)
    assert (again.groups, again.hosts) == (run.groups, run.hosts)
    assert again.seconds < 1.5 and sum(len(board.commands) for board in fleet.boards) == asked
    assert all("in the cache since" in text for text in again.warnings) and len(again.warnings) == 5
    # Nowhere but in the file that the user wrote.
    kept = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert kept and not [file for file in kept if PASSWORD in file.read_text()]
    assert PASSWORD not in json.dumps([run.hosts, run.warnings])
    assert not [command for board in fleet.boards for command in board.commands if PASSWORD in command]


def test_a_board_that_repeats_the_password(fleet, tmp_path):
    words = "PRETTY_NAME='It is %s'\nID=x\nVERSION_ID=%s!\n" % (PASSWORD, PASSWORD)
    kinds = [{"answer": lambda token: "unknown: " + PASSWORD}, of(machine={"model": PASSWORD}, system=words)]
    kinds += [{"words": PASSWORD, "password": "another"}]
    run = Run(fleet(kinds, cache=True, cache_plugin="jsonfile", cache_connection=str(tmp_path / "cache")))
    assert run.groups["unreachable"] == ["127.0.1.1", "127.0.1.3"] and len(run.warnings) == 3
    assert PASSWORD not in json.dumps([run.hosts, run.warnings, run.groups])
    assert not [file for file in (tmp_path / "cache").rglob("*") if file.is_file() and PASSWORD in file.read_text()]
    assert run.hosts["127.0.1.2"]["k3s_board"]["os"]["name"] == "It is …"


def test_the_cache_holds_for_what_was_asked_alone(fleet, tmp_path):
    kept = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "cache")}
    path = fleet([of(), of()], **kept)
    first = fleet.boards[0].commands
    Run(path)
    Run(path, cache=False)
    assert len(first) == 2
    # Another list of boards, another user: asked again. Another way to show what is known: not.
    fleet.write(port=fleet.port, addresses=["127.0.1.1"], **kept)
    assert list(Run(path).hosts) == ["127.0.1.1"] and len(first) == 3
    fleet.write(port=fleet.port, addresses=["127.0.1.1"], user="debian", **kept)
    Run(path)
    assert len(first) == 4
    fleet.write(port=fleet.port, addresses=["127.0.1.1"], user="debian", compose={"x": "k3s_board.machine"}, **kept)
    assert Run(path).hosts["127.0.1.1"]["x"] == "riscv64" and len(first) == 4


@pytest.mark.parametrize("found", [None, [], {}, {"of": "x"}, {"rows": {"mars": {}}}])
def test_a_cache_that_holds_something_else_is_none(found):
    assert usable(found, [], {}, "") is None


def test_variables_of_a_host(fleet):
    path = fleet([of()], user="debian")
    (host,) = Run(path).hosts.values()
    board = host.pop("k3s_board")
    assert {key: host[key] for key in host if key.startswith("ansible")} == {
        "ansible_user": "debian",
        "ansible_port": fleet.port,
    }
    assert board["k3s"] == {"installed": True, "role": "server", "version": "v1.36.3+k3s1"}
    assert (board["memory_mb"], board["reached"], board["problem"]) == (7841, True, None)
    assert board["host_key"] == fleet.boards[0].host_key.fingerprint


def test_names_keys_and_logins_of_single_boards(fleet, tmp_path):
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "id"))
    fleet([dict(of(), client_key=key), dict(of(), password="another")])
    entries = [
        {"address": "127.0.1.1", "name": "mars", "key_file": "id", "password": None},
        {"address": "127.0.1.2:%d" % fleet.port, "password": "{{ 'another' }}", "user": "debian"},
    ]
    run = Run(fleet.write(port=fleet.port, addresses=entries))
    assert run.groups["server"] == ["127.0.1.2", "mars"]
    assert run.hosts["mars"]["ansible_host"] == "127.0.1.1"
    assert run.hosts["mars"]["ansible_ssh_private_key_file"] == str(tmp_path / "id")
    assert "ansible_host" not in run.hosts["127.0.1.2"] and run.hosts["127.0.1.2"]["ansible_user"] == "debian"
    assert [board.logins[-1] for board in fleet.boards] == [("root", "key"), ("debian", "password")]


def test_a_password_out_of_a_file_of_variables(fleet, tmp_path):
    (tmp_path / "vault.yml").write_text("vault_password: '{{ first }}-hunter2'\nfirst: one-time\n")
    path = fleet([of()], password="{{ vault_password }}", vars_files=["vault.yml"])
    run = Run(path)
    assert run.groups["server"] == ["127.0.1.1"] and "vault_password" not in run.hosts["127.0.1.1"]


def test_a_password_of_digits_is_a_text(fleet):
    assert Run(fleet([dict(of(), password="4711")], password=4711)).groups["server"] == ["127.0.1.1"]


def test_composed_variables_and_groups(fleet):
    path = fleet(
        [of(), NO_K3S, None],
        strict=True,
        compose={"title": "k3s_board.model ~ ' ' ~ k3s_board.os.id"},
        groups={"k3s_cluster": True, "small": "(k3s_board.memory_mb or 0) < 4096"},
        keyed_groups=[{"key": "k3s_board.cluster or ''", "prefix": "cluster", "default_value": "none"}],
    )
    run = Run(path)
    assert run.hosts["127.0.1.1"]["title"] == "Milk-V Mars debian"
    assert run.groups["cluster_abababababababab"] == ["127.0.1.1"]
    # A user may want that one that does not answer counts.
    assert run.groups["k3s_cluster"] == ["127.0.1.1", "127.0.1.2", "127.0.1.3"]
    assert run.groups["small"] == ["127.0.1.3"] and run.groups["unreachable"] == ["127.0.1.3"]


def test_strict_is_for_boards_that_answer(fleet):
    key = [{"key": "k3s_board.os.id", "prefix": "of"}]
    assert Run(fleet([of(), None], strict=True, keyed_groups=key)).groups["of_debian"] == ["127.0.1.1"]
    path = fleet.write(port=fleet.port, addresses=["127.0.1.1"], strict=True, compose={"x": "nothing.there"})
    with pytest.raises(Exception, match="Could not set x for host 127.0.1.1"):
        Run(path)


def test_what_a_board_tells_is_no_template(fleet, tmp_path):
    hostile = "{{ lookup('pipe', 'touch %s') }}" % (tmp_path / "owned")
    path = fleet([of(machine={"model": hostile[:120]})], compose={"title": "'the ' ~ k3s_board.model"})
    run = Run(path)
    variables = run.hosts["127.0.1.1"]
    templar = Templar(loader=DataLoader(), variables=variables)
    assert templar.template(trust_as_template("{{ k3s_board.model }}")) == hostile[:120]
    assert templar.template(trust_as_template("{{ title }}")) == "the " + hostile[:120]
    assert not (tmp_path / "owned").exists()
    assert [name for name in run.groups if name.startswith("model_")][0].replace("_", "a").isalnum()


def test_new_host_keys_are_told_and_recorded(fleet, tmp_path):
    path = fleet([of()])
    known = (tmp_path / "known").read_text()
    (tmp_path / "known").write_text("")
    assert Run(path).groups["unreachable"] == ["127.0.1.1"]
    fleet.write(port=fleet.port, addresses=["127.0.1.1"], accept_new=True)
    run = Run(path)
    assert run.groups["server"] == ["127.0.1.1"] and (tmp_path / "known").read_text() == known
    (warning,) = run.warnings
    assert fleet.boards[0].host_key.fingerprint in warning and str(tmp_path / "known") in warning
    assert Run(path).warnings == []


def test_who_is_not_root_is_warned(fleet):
    run = Run(fleet([of(user="1000")], user="debian"))
    assert run.groups["k3s_not_known"] == ["127.0.1.1"] and run.groups.get("unreachable") == []
    assert "only root may see it" in run.warnings[0]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"addresses": ["192.168.173.20-11"]}, "the lower address of a range first"),
        ({"addresses": []}, "no board is named"),
        ({"timeout": 0}, "timeout is too small"),
        ({"timeout": float("inf")}, "timeout is too small or too large. Found: inf"),
        ({"timeout": float("nan")}, "timeout is too small or too large. Found: nan"),
        ({"timeout": 1e300}, "timeout is too small or too large"),
        ({"parallel": 0}, "parallel is too small"),
        ({"port": 70000}, "port is too small or too large"),
        ({"accept_knew": True, "pasword": PASSWORD}, "an option is not known. Found: accept_knew, pasword. Where: "),
        # Without the dash.
        ({"addresses": {"address": "127.0.1.1", "password": PASSWORD}}, "addresses is no list"),
        ({"addresses": [{"address": "127.0.1.1", "name": "localhost"}]}, "give another name"),
        ({"password": "{{ nothing }}"}, "the option password cannot be templated"),
        ({"password": "", "key_file": ""}, "there is nothing to log in with"),
        ({"password": ["hunter3"]}, "password is no text"),
        ({"user": ""}, "the user is empty"),
        ({"key_file": "missing"}, "the private key cannot be read"),
        ({"vars_files": ["missing.yml"]}, "a file of vars_files cannot be read"),
        ({"vars_files": ["known"]}, "a file of vars_files"),
        ({"addresses": [{"address": "mars", "password": {"hunter3": 1}}]}, "password is no text"),
    ],
)
def test_mistakes_in_the_file_are_one_error(fleet, tmp_path, options, message):
    (tmp_path / "known").write_text("- a list\n")
    with pytest.raises(Exception, match=message) as caught:
        Run(fleet.write(**dict({"addresses": ["127.0.1.1"]}, **options)))
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    "addresses", ["127.0.1.1, 127.0.1.2", ["{{ both }}"], "{{ both }}", [["127.0.1.1"], "127.0.1.2"]]
)
def test_addresses_as_one_text_and_out_of_a_variable(fleet, tmp_path, addresses):
    fleet([of(), of()])
    (tmp_path / "vars.yml").write_text("both: [127.0.1.1, 127.0.1.2]\n")
    run = Run(fleet.write(port=fleet.port, addresses=addresses, vars_files=["vars.yml"]))
    assert run.groups["server"] == ["127.0.1.1", "127.0.1.2"] and run.warnings == []


def test_without_paramiko(fleet, monkeypatch):
    monkeypatch.setattr(connect, "PARAMIKO_ERROR", ImportError("No module named 'paramiko'"))
    with pytest.raises(AnsibleParserError, match="riscv.k3s.boards needs paramiko.*pip install paramiko"):
        Run(fleet.write(addresses=["127.0.1.1"]))


@pytest.mark.parametrize(
    "name, is_own", [("boards.riscv_k3s.yaml", True), ("east-boards.riscv_k3s.yml", True), ("hosts.yml", False)]
)
def test_files_that_are_its_own(tmp_path, name, is_own):
    (tmp_path / name).write_text("")
    assert plugin.InventoryModule().verify_file(str(tmp_path / name)) is is_own


def test_examples_are_what_it_takes():
    documented = yaml.safe_load(plugin.DOCUMENTATION)["options"]
    shared = set()
    for fragment in (constructed, inventory_cache):
        shared |= set(yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"])
    root = pathlib.Path(__file__).resolve().parents[2]
    texts = [plugin.EXAMPLES, (root / "inventory/examples/boards.riscv_k3s.yml").read_text()]
    for text in texts:
        for example in yaml.safe_load_all(text):
            assert set(example) <= set(documented) | shared and example["plugin"] == NAME
