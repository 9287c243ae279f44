# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of findings, run in real shells, with hostile names in every field: stand-ins for the programs tell what
they were given, and nothing else is run.
"""

from __future__ import annotations

import ast
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest
from fake_fleet import NOW, RULE, FakeFleet

from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.diagnosis import diagnose
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.table import text as table_text

pytestmark = pytest.mark.programs

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = ROOT / "plugins/plugin_utils/_diagnose"
SHELLS = [words for words in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(words[0])]
PROGRAMS = (
    "k3s kubectl ansible ansible-playbook systemctl rc-service service sed mv touch iptables firewall-cmd sysctl cat "
    "dmesg tail ls modprobe lsmod grep stat"
)
PLAIN = "plain0name"
HOSTILE = {
    "dollar": "$(touch x)",
    "backticks": "`touch x`",
    "quotes": "a'b\"c'; touch x; '",
    "line ends": "a\ntouch x\nb",
    "semicolon": "a; touch x #",
    "and": "a && touch x",
    "pipe": "a | touch x > y",
    "blank": " a  b ",
    "star": "* ? [a-z] ~",
    "backslash": "a\\b\\",
    "percent": "%s%d%%n!!",
    "option": "-rf",
    "long option": "--kubeconfig=x",
    "terminal": "a\x1b[2J\u202eb",
    "not ascii": "né\u200b",
}
IMAGE = "reg.example:5000/%s:1" % PLAIN
PULL = 'rpc error: code = NotFound desc = failed to pull and unpack image "%s": ' % IMAGE


def waiting(reason, message="", **more):
    def change(fleet):
        more.setdefault("image", IMAGE)
        fleet.waiting(PLAIN, reason, message, namespace=PLAIN, container=PLAIN, **more)

    return change


def another_tag(fleet):
    waiting("ErrImagePull", PULL + 'failed to resolve reference "%s": %s: not found' % (IMAGE, IMAGE))(fleet)
    fleet.agent["images"].append(dict(fleet.agent["images"][0], name="reg.example:5000/%s:2" % PLAIN))


def short_name(fleet):
    waiting("ErrImageNeverPull", image="docker.io/x/%s:1" % PLAIN)(fleet)
    fleet.agent["images"].append(dict(fleet.agent["images"][0], name="x/%s:1" % PLAIN))


def elsewhere(fleet):
    waiting("ErrImageNeverPull")(fleet)
    fleet.agent["preflight"]["elsewhere"] = [IMAGE]


def architecture(fleet):
    crash(fleet, exit_code=1)
    fleet.agent["logs"] = {"c-" + PLAIN: ["exec /x: exec format error"]}
    fleet.agent["images"].append(dict(fleet.agent["images"][0], name=IMAGE, platforms=["linux/amd64"]))


def crash(fleet, message="", **more):
    more.setdefault("reason", "CrashLoopBackOff")
    more.setdefault("restarts", 3)
    row = fleet.pod(
        PLAIN, "board-2", IMAGE, namespace=PLAIN, container=PLAIN, ready=False, state="waiting", message=message, **more
    )
    row["owner"] = {"kind": "ReplicaSet", "name": PLAIN}
    return row


def ended(message, **more):
    return lambda fleet: crash(fleet, message, **more)


def evicted(fleet):
    fleet.pod(PLAIN, "board-2", IMAGE, namespace=PLAIN, phase="Failed", ready=False, reasons=["Evicted"], sandbox=False)


def ghost(fleet):
    fleet.sandbox("uid-" + PLAIN, PLAIN, PLAIN, "board-2")


def terminating(finalizers):
    def change(fleet):
        row = fleet.pod(PLAIN, "board-2", IMAGE, namespace=PLAIN, deleting=True)
        fleet.server["details"]["pods"][row["uid"]] = {
            "deleted_at": "2026-01-01T00:00:00Z",
            "finalizers": finalizers,
            "message": "",
        }

    return change


def unexplained(fleet):
    fleet.pod(PLAIN, "board-2", IMAGE, namespace=PLAIN, container=PLAIN, ready=False)


def no_evidence(fleet):
    waiting("ContainerCreating")(fleet)


def unreachable(fleet):
    fleet.boards[PLAIN] = {"unreachable": True, "msg": "no route"}


def clock(fleet):
    fleet.boards[PLAIN] = fleet.boards.pop("board-2")
    fleet.boards[PLAIN]["preflight"]["time"] = NOW - 900


def stale_registries(fleet):
    fleet.agent["registries"].update(stale=True, path="/etc/%s" % PLAIN)


def not_applied(failed):
    def change(fleet):
        fleet.server["data_dir"] = PLAIN
        fleet.manifest(PLAIN + ".yaml", "kind: ConfigMap\n", applied=False)
        if failed:
            fleet.event(None, "ApplyManifestFailed", "no", kind="Addon", name=PLAIN)

    return change


def two_files(fleet):
    fleet.server["data_dir"] = PLAIN
    fleet.manifest(PLAIN + ".a.yaml", "kind: ConfigMap\n")
    fleet.manifest("%s/%s.b.yaml" % (PLAIN, PLAIN), "kind: ConfigMap\n")


def rights(fleet):
    fleet.server["data_dir"] = PLAIN
    fleet.unready_coredns()
    fleet.server["dns"]["rights"] = []


def address(fleet):
    fleet.unready_coredns()
    fleet.server["details"]["endpoints"] = ["10.9.9.9:6443"]
    fleet.server["preflight"]["addresses"] = {"advertise-address": PLAIN}


def rule(fleet):
    fleet.unready_coredns(host=True)
    fleet.rules(
        "board-1",
        RULE,
        "-A PREROUTING -j KUBE-SERVICES",
        '-A FORWARD -m comment --comment "%s" -j DROP' % PLAIN,
    )


def dns_log(fleet):
    fleet.coredns["name"] = PLAIN
    fleet.server["sandboxes"][0]["name"] = PLAIN
    fleet.unready_coredns(pod=True, host=True, log=["[ERROR] Failed to list"])


def pressure(fleet):
    fleet.server["details"]["nodes"]["board-2"]["DiskPressure"] = {"status": "True", "reason": "r", "message": PLAIN}


SCENES = [
    another_tag,
    short_name,
    elsewhere,
    architecture,
    evicted,
    ghost,
    terminating([]),
    terminating([PLAIN]),
    unexplained,
    no_evidence,
    unreachable,
    clock,
    stale_registries,
    not_applied(True),
    not_applied(False),
    two_files,
    rights,
    address,
    rule,
    dns_log,
    pressure,
    waiting("ErrImageNeverPull"),
    waiting("ErrImagePull", PULL + "write /x: no space left on device"),
    waiting("ErrImagePull", PULL + "x509: certificate has expired or is not yet valid"),
    waiting(
        "CreateContainerError", 'failed to create containerd container: error unpacking image "%s": %s' % (IMAGE, "x")
    ),
    waiting("CreateContainerConfigError", 'configmap "%s" not found' % PLAIN),
    ended("failed to generate spec: no command specified", reason="CreateContainerError"),
    ended("exec: operation not permitted: unknown", reason="CreateContainerError"),
    ended('exec: "/%s": operation not permitted' % PLAIN),
    ended("", reason="OOMKilled"),
    ended(""),
]
# What must be among the findings of these scenes for plain names: else the scenes are none any more.
NEEDED = {
    "no-such-image", "image-short-name", "image-other-namespace", "wrong-architecture", "evicted", "ghost-sandbox",
    "stuck-terminating", "board-unreachable", "clock", "registries-stale", "addon-not-applied", "two-files-one-addon",
    "coredns-rights", "apiserver-address", "firewall", "coredns-waits", "disk-pressure", "image-never-pull",
    "pull-disk-full", "registry-clock", "config-missing", "entrypoint-missing", "out-of-memory",
    "crash-loop", "collect",
}  # fmt: skip


def poisoned(value, name):
    """Everything of ``value`` with PLAIN exchanged for ``name``."""
    if isinstance(value, dict):
        return {poisoned(key, name): poisoned(one, name) for key, one in value.items()}
    if isinstance(value, list):
        return [poisoned(one, name) for one in value]
    return value.replace(PLAIN, name) if isinstance(value, str) else value


def commands(scene, name=PLAIN):
    """{cause: [command]} of a scene with so many names exchanged for ``name``."""
    fleet = FakeFleet()
    scene(fleet)
    document = diagnose(poisoned(fleet.boards, name), NOW, [name, "hosts.yml"])
    found = {}
    for finding in document["findings"]:
        if finding["command"]:
            found.setdefault(finding["cause"], []).append(finding["command"])
    for row in document["collect"]:
        found.setdefault("collect", []).append(row["command"])
    table_text(document)
    return found


@pytest.fixture(name="run", params=SHELLS, ids=lambda words: words[0])
def _run(request, tmp_path):
    """Runs a command in an empty folder, with nothing but stand-ins, and gives what each of these was given."""
    programs, folder, log = tmp_path / "bin", tmp_path / "here", tmp_path / "log"
    programs.mkdir()
    folder.mkdir()
    for name in PROGRAMS.split() + ["date"]:
        (programs / name).write_text("#!/bin/sh\nprintf '%%s\\0' %s \"$@\" END >>'%s'\n" % (name, log))
        (programs / name).chmod(0o755)
    program = shutil.which(request.param[0])

    def run(text):
        log.write_bytes(b"")
        words = [program, *request.param[1:], "-c", text]
        done = subprocess.run(
            words,
            cwd=folder,
            env={"PATH": str(programs), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert (done.stdout, done.stderr, done.returncode) == (b"", b"", 0), text
        assert not list(folder.iterdir()), text
        # Nothing beside the folder and the stand-ins may have been made either.
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "here", "log"]
        told = log.read_bytes().decode("utf-8", "surrogatepass").split("\0END\0")[:-1]
        return sorted(one.split("\0") for one in told if one.split("\0")[0] != "date")

    return run


def expected(text, name):
    """The calls that a command for the plain name stands for, with that name exchanged."""
    calls = [shlex.split(one) for one in re.split(r" && |; | \| ", text)]
    # The clock's command asks the shell for the time.
    calls = [[word.replace("$(date +%s)", "").replace(PLAIN, name) for word in call] for call in calls]
    return sorted(calls)


def without_guards(call):
    """A call as it would be if no name began with a dash."""
    words = []
    for word in call:
        found = re.match(r"(-[a-z])=(-.*)\Z", word, re.DOTALL)
        words += list(found.groups()) if found else [word]
    return [word for word in words if word != "--"]


def test_scenes_cover_the_commands():
    assert {cause for scene in SCENES for cause in commands(scene)} >= NEEDED


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_only_the_named_programs_run_and_each_name_is_one_argument(run, name):
    seen = set()
    for scene in SCENES:
        plain = {cause: [expected(text, name) for text in texts] for cause, texts in commands(scene).items()}
        for cause, texts in commands(scene, name).items():
            for text in texts:
                calls = run(text)
                # The rule of a firewall comes with quotes of its own: what a hostile comment is cut into is arguments.
                if cause != "firewall" and cause in plain:
                    assert [without_guards(call) for call in calls] in plain[cause], (cause, text)
                    seen.add(cause)
                _check_options(calls, name)
    # A name that is no image's is not taken for one, and so some causes are not claimed.
    assert len(seen) > 15


def _check_options(calls, name):
    """A name that begins with a dash stands after --, or after the option that it is the value of."""
    for call in calls if name.startswith("-") else ():
        if call[0] == "iptables":
            continue
        for number, word in enumerate(call):
            if word.startswith(name):
                assert "--" in call[:number], call


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_command_is_shown_as_it_is_run(name):
    text = shell.command("k3s", name, operands=[name])
    assert printable(text) == text


@pytest.mark.parametrize("word", ["a\n", "\n", "", "a\nb\n", "\x01", "'", "\\0", "é\n!"])
def test_words_arrive_as_they_are(run, word):
    assert run(shell.command("k3s", word, operands=["x" + word])) == [["k3s", word, "x" + word]]


def test_no_command_is_made_by_hand():
    """Texts that begin with a program and have room for a name, or are put together from several."""
    program = re.compile(r"(?:%s) " % "|".join(PROGRAMS.split()))
    found = []
    for path in sorted(CODE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            left = node.left if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mod, ast.Add)) else None
            text = left.value if isinstance(left, ast.Constant) else None
            # What a program said is evidence.
            if isinstance(text, str) and program.match(text) and not re.search(r" on %s|: | = | has not ", text):
                found.append((path.name, node.lineno, text))
    assert not found
