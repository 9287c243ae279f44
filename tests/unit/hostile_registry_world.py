# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene of an attack by a registry: servers, folders that must stay as they are, and the modules that are run."""

import base64
import contextlib
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import types
from typing import Any, Callable, NamedTuple

import registry_content as content
from hostile_registry import Hostile, certificate
from registry_servers import PASSWORD, USER

from ansible_collections.riscv.k3s.plugins.module_utils._oci.image import Blob
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Platform
from ansible_collections.riscv.k3s.plugins.module_utils._registry.info import inspect_all
from ansible_collections.riscv.k3s.plugins.module_utils._registry.publish import publish
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import accesses
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import registry_image_archive, registry_image_copy

_ROOT = pathlib.Path(__file__).resolve().parents[2]
IDENTITY, BEARER = "identity-of-the-builder", "bearer-of-the-builder"
_SECRETS = [PASSWORD.encode(), PASSWORD.replace(" ", "+").encode(), IDENTITY.encode(), BEARER.encode()]
TIMEOUT = 2  # what the modules get, seconds
HOME_FOLDERS = {
    "HOME": "home",
    "XDG_CACHE_HOME": "cache",
    "XDG_RUNTIME_DIR": "run",
    "XDG_DATA_HOME": "data",
    "XDG_CONFIG_HOME": "config",
}


class Attack(NamedTuple):
    """``arrange`` sets up a World, ``way`` is its method that is run, ``ends`` the causes that may come, or ``ok``."""

    arrange: Callable
    way: str
    ends: Any
    login: bool = False
    https: bool = False
    # Not at a loopback address: Go asks those without any proxy, so also without the one that stops plain http.
    outside: bool = False
    # What skopeo does is only seen afterwards: the error says whom the login was sent to.
    told: bool = False

    @property
    def name(self):
        return self.arrange.__name__


def table():
    """(list of Attacks, decorator that adds one)."""
    attacks = []

    def attack(way, ends, **options):
        return lambda arrange: attacks.append(Attack(arrange, way, ends.split(), **options)) or arrange

    return attacks, attack


class World(contextlib.ExitStack):
    """Servers and folders for one attack.

    ``registry`` is the attacker, ``other`` another host that it names, ``plain`` one that speaks http.
    ``good`` is a registry without malice; ``announced`` is what manifests say of the size of all blobs, in bytes.
    """

    def __init__(self, folder, attack, keys):
        super().__init__()
        self.folder, self._attack = folder, attack
        here, there = ("192.0.2.1", "192.0.2.2") if attack.outside else ("127.0.0.1", "127.0.0.2")
        # Made once for all: a key takes a while.
        self._keys = keys if attack.https else None
        self.here, self.there, self.servers = here, there, []
        self.registry = self.server(here, self._keys)
        self.other = self.server(there, self._keys)
        self.plain = self.server(there)
        self.good = self.server(here)
        self.target = str(folder / "target")
        self.archive = os.path.join(self.target, "images.tar")
        self.image, self.pinned, self.announced, self.architecture = "app:1", None, 1 << 20, "riscv64"
        self.more = {}
        for name in ["target", "canary", *HOME_FOLDERS.values()]:
            os.mkdir(str(folder / name), 0o700)
        (folder / "canary" / "file").write_text("as it was\n")
        # What something is published to has nothing yet.
        for registry in (self.good,) if attack.way in ("pushed", "built") else (self.registry, self.good):
            registry.put_image("1")

    def server(self, address, keys=None):
        """One more server, which must not be told a login."""
        self.servers.append(self.enter_context(Hostile(address, keys)))
        return self.servers[-1]

    def same_host(self):
        """One more on the registry's own host, at another port."""
        return self.server(self.here, self._keys)

    def environ(self, name, value):
        """Set a variable of the environment while the attack lasts."""
        before = os.environ.get(name)
        os.environ[name] = value
        self.callback(lambda: os.environ.pop(name) if before is None else os.environ.update({name: before}))

    def run(self):
        """(``ok`` or a cause, text for people) of what is done."""
        try:
            with self._skopeo() as skopeo:
                return getattr(self, self._attack.way)(skopeo)
        except Problem as problem:
            return getattr(problem, "cause", "problem"), str(problem)

    def info(self, skopeo):
        """registry_image_info, of one image."""
        row = inspect_all([self._source()], skopeo, Platform(self.architecture))[0]
        json.dumps(row)
        return row["cause"] or "ok", row["message"] or "all is well"

    def archived(self, skopeo):
        """registry_image_archive, of one image."""
        images = [{"source": self._source(), "targets": ["docker.io/library/app:1"], "digest": self.pinned}]
        params = {"images": images, "path": self.archive, "architecture": self.architecture, "variant": None}
        return "ok", json.dumps(registry_image_archive.run(params, False, skopeo))

    def copied(self, skopeo):
        """registry_image_copy, from the attacker."""
        return self._copy(skopeo, self._source(), self.good.host + "/new:2")

    def copied_all(self, skopeo):
        """The same with all that an index names."""
        self.architecture = "all"
        return self.copied(skopeo)

    def pushed(self, skopeo):
        """registry_image_copy, to the attacker."""
        return self._copy(skopeo, self.good.host + "/app:1", self.registry.host + "/new:2")

    def renamed(self, skopeo):
        """registry_image_copy, from one name of the attacker to another."""
        return self._copy(skopeo, self._source(), self.registry.host + "/new:2")

    def built(self, skopeo):
        """oci_image_build, what it publishes."""
        data, (config, layer) = content.image("riscv64", (b"built",))
        top, config, layer = [Blob("", content.digest_of(one), len(one), data=one) for one in (data, config, layer)]
        image = types.SimpleNamespace(top=top, config=config, layer=layer, index=False, size=1000, config_json={})
        return "ok", str(publish(skopeo, ImageName.parse(self.registry.host + "/built:2"), image, self.target))

    def whole(self, _skopeo):
        """registry_image_archive, as people start it."""
        images = [{"source": self._source(), "targets": ["docker.io/library/app:1"]}]
        args = {"images": images, "path": self.archive, "registries": [self._entry()], "timeout": TIMEOUT}
        own = str(self.folder / "cache" / "riscv.k3s")
        env = dict(
            os.environ,
            ANSIBLE_HOME=own,
            ANSIBLE_REMOTE_TMP=own,
            ANSIBLE_COLLECTIONS_PATH=str(_ROOT / ".venv" / "collections"),
        )
        ansible = os.path.join(os.path.dirname(sys.executable), "ansible")
        argv = [
            ansible,
            "localhost",
            "-m",
            "riscv.k3s.registry_image_archive",
            "-a",
            json.dumps(args),
        ]
        done = subprocess.run(argv, capture_output=True, text=True, env=env, cwd=self.target, check=False)
        assert "Traceback" not in done.stdout + done.stderr, done
        state, dummy, result = done.stdout.partition("=> ")
        return "failed" if "FAILED!" in state else "ok", json.loads(result)["msg"]

    def _copy(self, skopeo, source, target):
        params = {"images": [{"source": source, "target": target}], "architecture": self.architecture, "variant": None}
        return "ok", json.dumps(registry_image_copy.run(params, False, skopeo))

    def _source(self):
        return "%s/%s" % (self.registry.host, self.image)

    def _skopeo(self):
        return Skopeo(accesses({"registries": [self._entry(), {"host": self.good.host, "plain_http": True}]}), TIMEOUT)

    def _entry(self):
        entry = {"host": self.registry.host, "plain_http": not self._keys, "ca_file": self._keys and self._keys[0]}
        if self._attack.login:
            entry.update(username=USER, password=PASSWORD)
        return dict(entry, **self.more)

    def told(self):
        """Requests with a login that came where none should: at another host, and by http where https was asked for."""
        plain = self.more.get("plain_http", not self._keys)
        asked = [one for server in self.servers for one in server.asked if _has_login(one)]
        return [one for one in asked if one.host != self.registry.host or not plain and one.scheme != "https"]

    def files(self):
        """{path: digest of the content} of all that lies outside of the target."""
        found = {}
        for top, folders, files in os.walk(str(self.folder)):
            folders[:] = [name for name in folders if os.path.join(top, name) != self.target]
            found.update({os.path.join(top, name): _digest(os.path.join(top, name)) for name in files})
            found.update({os.path.join(top, name): None for name in folders})
        # The folder of logins stays, with the file by which it is locked.
        return {
            path: digest
            for path, digest in found.items()
            if not path.startswith(str(self.folder / "cache" / "riscv.k3s"))
        }

    def left_logins(self):
        """Whatever is still there of the logins of a run."""
        folder = str(self.folder / "cache" / "riscv.k3s" / "logins")
        return [name for name in (os.listdir(folder) if os.path.isdir(folder) else []) if name != "in-use"]


class Watched(threading.Thread):
    """Notes the most that folders held together while it ran."""

    def __init__(self, *folders):
        super().__init__(daemon=True)
        self.folders, self.most, self._done = folders, 0, threading.Event()

    def run(self):
        while not self._done.wait(0.02):
            self.look()

    def look(self):
        self.most = max(self.most, sum(map(_size, self.folders)))

    def __exit__(self, *error):
        self._done.set()
        self.join()
        self.look()

    def __enter__(self):
        self.start()
        return self


def _has_login(asked):
    kind, dummy, words = (asked.authorization or "").partition(" ")
    said = base64.b64decode(words) if kind == "Basic" else words.encode()
    return any(secret in said + asked.body + asked.path.encode() for secret in _SECRETS)


def _size(folder):
    total = 0
    for top, dummy, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(top, name)).st_size
    return total


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def keys(folder):
    """Certificate and key for every address that a World has."""
    return certificate(folder, ["127.0.0.1", "127.0.0.2", "192.0.2.1", "192.0.2.2"])


def manifest(**changes):
    """Bytes of the manifest of the small image that the attacker has, with some keys changed; None takes one away."""
    value = dict(json.loads(content.image()[0]), **changes)
    return json.dumps({key: one for key, one in value.items() if one is not None}).encode()


def layer(**changes):
    """The descriptor of its layer, changed in the same way."""
    value = dict(json.loads(content.image()[0])["layers"][0], **changes)
    return {key: one for key, one in value.items() if one is not None}
