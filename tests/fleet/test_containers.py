# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as in an execution environment: HOME and the project can only be read, and what stays has a path in a volume.

That is the table of docs/awx.md, of which tests/unit/test_controller_paths.py says that nothing is missing.
"""

from __future__ import annotations

import json
import os
import subprocess

import paramiko
import pytest
import yaml
from boards import ROOT, STOCK
from programs import elf
from registry_servers import docker_registry
from shell_board import ShellBoard

SURVEY = json.loads((ROOT / "docs/examples/awx-survey.json").read_text(encoding="utf-8"))
# enter HOME PROJECT COMMAND: nothing of these two can be written.
ENTER = """set -eu
for folder in "$1" "$2"; do mount --bind "$folder" "$folder"; mount -o remount,bind,ro "$folder"; done
cd "$2"
if touch "$1/x" 2>/dev/null || touch x 2>/dev/null; then echo "can be written" >&2; exit 99; fi
shift 2
exec "$@"
"""


class Job:
    """A container's folders, and what is started there."""

    def __init__(self, folder):
        self.home, self.project, self.volume = (folder / name for name in ("home", "project", "volume"))
        for path in (self.home, self.project, self.volume):
            path.mkdir()
        self.temporary = folder / "tmp"

    def run(self, program, *words, environment=None):
        kept = {name: text for name, text in (environment or os.environ).items() if name != "SSH_AUTH_SOCK"}
        kept.update(HOME=str(self.home), XDG_CACHE_HOME=str(self.volume / "cache"), ANSIBLE_NOCOLOR="1")
        kept.update(ANSIBLE_HOME=str(self.temporary), ANSIBLE_LOCAL_TEMP=str(self.temporary), PWD=str(self.project))
        kept.setdefault("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".venv/collections"))
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "enter"]
        command += [str(self.home), str(self.project), str(ROOT / ".venv/bin" / program), *words]
        done = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=300, check=False)
        assert "Read-only file system" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done

    def play(self, playbook, *words, **options):
        done = self.run("ansible-playbook", "riscv.k3s." + playbook, *words, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kept(self):
        """The files in the volume, but for what a registry's client has there while it runs."""
        files = (path for path in self.volume.rglob("*") if path.is_file() and path.name != "in-use")
        return {str(path.relative_to(self.volume)) for path in files}


@pytest.fixture(name="job")
def _job(tmp_path):
    return Job(tmp_path)


def at(fleet, job, **variables):
    """The words and the environment for a run on a fleet, whose inventory is in the project."""
    inventory = yaml.safe_load((fleet.folder / "hosts.yml").read_text())
    inventory["k3s_cluster"]["vars"].update(variables)
    (job.project / "hosts.yml").write_text(yaml.safe_dump(inventory))
    return ["-i", "hosts.yml"], {"environment": fleet.environment()}


def test_diagnose_and_site_write_where_they_are_told(make_fleet, job):
    fleet = make_fleet(servers=1, agents=1)
    told = {"riscv_k3s_diagnose_" + kind: str(job.volume / ("found." + kind)) for kind in ("html", "json")}
    words, options = at(fleet, job)
    job.play("diagnose", *words, **options)
    assert job.kept() == set()
    words, options = at(fleet, job, **told)
    job.play("diagnose", *words, **options)
    assert job.kept() == {"found.html", "found.json"}
    # What a link leads to is written, and the link stays.
    (job.volume / "found.html").rename(job.volume / "page.html")
    (job.volume / "found.html").symlink_to("page.html")
    (job.volume / "page.html").write_text("old")
    job.play("diagnose", *words, **options)
    assert (job.volume / "found.html").is_symlink() and "<html" in (job.volume / "page.html").read_text()
    assert "All healthy." in job.play("site", *words, **options)
    assert json.loads((job.volume / "found.json").read_text())["boards"]


@pytest.mark.slow
def test_what_is_built_locked_and_preloaded_is_kept_where_it_is_told(make_fleet, job, tmp_path):
    names = {stock: stock.rpartition("/")[2].partition(":")[0].rpartition("-")[2] for stock in STOCK}
    (job.project / "files").mkdir()
    (job.project / "files/program").write_bytes(elf())
    with docker_registry(tmp_path) as host:
        builds = {"pause": {"recipe": "pause"}, "coredns": {"src": "program", "entrypoint": ["/program"]}}
        catalogue = [
            {"stock": stock.partition(":")[0], "source": "%s/%s:1" % (host, name), "build": builds[name]}
            for stock, name in names.items()
        ]
        fleet = make_fleet(servers=1, agents=1, riscv_k3s_catalogue=catalogue, riscv_k3s_registry=host)
        told = {"riscv_k3s_lock_file": str(job.volume / "lock.yml")}
        told["riscv_k3s_archives_dir"] = str(job.project / "files")
        words, options = at(fleet, job, **told)
        # Go's own caches have variables of their own: those of this machine are full already.
        for name in ("GOCACHE", "GOMODCACHE"):
            asked = subprocess.run(["go", "env", name], capture_output=True, text=True, check=True)
            options["environment"][name] = asked.stdout.strip()
        job.play("build_images", *words, **options)
        assert any(name.startswith("cache/riscv.k3s/programs/pause-") for name in job.kept())
        job.play("lock", *words, **options)
        whole = (job.volume / "lock.yml").read_text()
        assert all(stock in whole for stock in STOCK)
        # By a link and a path that is not whole: rows of boards that are not in the run stay, and so does the link.
        (job.volume / "link.yml").symlink_to("lock.yml")
        relative = os.path.relpath(job.volume / "link.yml", job.project)
        job.play("lock", *words, "--limit", "server-01", "-e", "riscv_k3s_lock_file=" + relative, **options)
        assert (job.volume / "link.yml").is_symlink() and (job.volume / "lock.yml").read_text() == whole
        # A simulated board does not read real archives, so this run ends there.
        words, options = at(fleet, job, **told, riscv_k3s_fixes=["preload"])
        for folder, given in (
            ("cache/riscv.k3s/preload", []),
            ("archives", ["-e", "riscv_k3s_preload_folder=%s" % (job.volume / "archives")]),
        ):
            job.run("ansible-playbook", "riscv.k3s.site", *words, *given, **options)
            assert [name for name in job.kept() if name.startswith(folder) and name.endswith(".tar")], folder


def test_the_cache_of_an_inventory_of_addresses(job):
    """Boards that do not answer are in it, too."""
    text = {"plugin": "riscv.k3s.boards", "addresses": ["127.0.0.1"], "port": 1, "password": "x", "cache": True}
    text.update(cache_plugin="ansible.builtin.jsonfile", cache_connection=str(job.volume / "boards"))
    (job.project / "boards.riscv_k3s.yml").write_text(yaml.safe_dump(text))
    done = job.run("ansible-inventory", "-i", "boards.riscv_k3s.yml", "--list")
    assert done.returncode == 0, done.stderr
    assert [name.partition("/")[0] for name in job.kept()] == ["boards"], done.stdout + done.stderr


@pytest.mark.slow
def test_enroll_writes_its_inventory_and_new_host_keys_where_it_is_told(job, tmp_path):
    (job.home / ".ssh").mkdir(mode=0o700)
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(job.home / ".ssh/id_ecdsa"))
    (job.home / ".ssh/id_ecdsa.pub").write_text("%s %s me@here\n" % (key.get_name(), key.get_base64()))
    board = ShellBoard(tmp_path / "board", password="one-time")
    entry = {"address": board.address, "port": board.port, "name": "mars"}
    told = {"boards": [entry], "password": "one-time", "accept_new": True}
    told.update(inventory=str(job.volume / "inventory.yml"), known_hosts=[str(job.volume / "hosts/known_hosts")])
    given = {"riscv_k3s_enroll_" + name: value for name, value in told.items()}
    (job.project / "enroll.json").write_text(json.dumps(given))
    try:
        job.play("enroll", "-e", "@enroll.json")
    finally:
        board.close()
    assert job.kept() == {"inventory.yml", "hosts/known_hosts"}


def handed_on(folder, answers):
    """The file in which AWX hands on the answers of a survey: every text in it is one that is not templated."""
    path = folder / ("extravars-%d" % len(list(folder.glob("extravars-*"))))
    rows = [
        "!unsafe %s: %s%s" % (json.dumps(name), "!unsafe " * isinstance(value, str), json.dumps(value))
        for name, value in answers.items()
    ]
    path.write_text("\n".join(rows) + "\n")
    return ["-e", "@%s" % path]


@pytest.mark.slow
def test_answers_of_a_survey_are_taken_as_awx_hands_them_on(make_fleet):
    """Numbers as numbers, choices as text, and an empty text for what nobody answered."""
    fleet = make_fleet(servers=1, agents=4, riscv_k3s_serial=2)
    names = [question["variable"] for question in SURVEY["spec"]]
    empty = handed_on(fleet.folder, dict.fromkeys(names, ""))
    assert "TO DO" in fleet.play(*empty, playbook="riscv.k3s.plan", check=0).text
    assert "TO DO" in fleet.play(*empty, "--check", check=0).text
    given = {"riscv_k3s_serial": "50%", "riscv_k3s_lease_wait": 5, "riscv_k3s_pull_policy": "always"}
    said = fleet.play(*handed_on(fleet.folder, given), check=0).text
    assert "wave 1 of 3: agent-01, agent-02" in said and "All healthy." in said
    fleet.play(*handed_on(fleet.folder, {"riscv_k3s_undo_components": "coredns"}), playbook="riscv.k3s.undo", check=0)
    assert all(
        STOCK[0] in fleet.state(name)["store"] and STOCK[1] not in fleet.state(name)["store"] for name in fleet.boards
    )
    # An empty answer hides what the inventory says: by default the first agent alone.
    assert "wave 1 of 5: agent-01\n" in fleet.play(*empty, check=0).text
    told = handed_on(fleet.folder, {"riscv_k3s_undo_components": " , "})
    run = fleet.play(*told, playbook="riscv.k3s.undo")
    assert run.rc and "names nothing" in " ".join(run.text.split()) and not run.changed
    fleet.play(*empty, playbook="riscv.k3s.upgrade", check=2)


def test_the_survey_as_it_stands_changes_nothing_of_a_run(make_fleet):
    """AWX hands on what nobody answered: the default, which is empty for a text."""
    answers = json.dumps({question["variable"]: question["default"] for question in SURVEY["spec"]})
    fleet = make_fleet(servers=1, agents=2)
    assert "All healthy." in fleet.play("-e", answers, check=0).text
    more = ("data_dir", "program_timeout", "diagnose_html", "diagnose_json", "fixes")
    empty = json.dumps(dict.fromkeys([*json.loads(answers), *("riscv_k3s_" + name for name in more)], ""))
    assert "changed=0 " in fleet.play("-e", empty, check=0).text
    assert "Traceback" not in fleet.play("-e", empty, playbook="riscv.k3s.diagnose", check=0).text
    assert "changed=0 " in fleet.play("-e", answers, check=0).text
    assert fleet.play("-e", answers, playbook="riscv.k3s.undo", check=0).changed
    assert not any(fleet.state(name)["store"].get(STOCK[0]) for name in fleet.boards)


def test_a_lock_that_cannot_be_written_is_told_before_a_registry_is_asked(make_fleet, tmp_path):
    fleet = make_fleet(servers=1, agents=0)
    for path, found in (("", "a folder"), (tmp_path, "a folder"), (tmp_path / "nowhere/lock.yml", "no such folder")):
        text = fleet.play("-e", "riscv_k3s_lock_file=%s" % path, playbook="riscv.k3s.lock").text
        assert "The lock cannot be written. Found: %s." % found in text and "Ask the registries" not in text
