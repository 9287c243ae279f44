# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""registries.yaml: checked as k3s will read it, rendered so that equal settings give equal bytes.

Types: github.com/rancher/wharfie pkg/registries (mirrors, configs). k3s silently ignores keys it does not know,
so a misspelt one is refused here.
"""

from __future__ import annotations

import json
import re
from typing import Any, Collection, Dict, List, Mapping, Optional, Set, Tuple
from urllib.parse import SplitResult, urlsplit

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.endpoints import as_asked, own_scheme
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import has_names
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils import go_regexp
from ansible_collections.riscv.k3s.plugins.plugin_utils import registries_types as _types

_HEADER = "# Written by riscv.k3s from riscv_k3s_registries in the inventory; k3s reads it when it starts.\n"
_WHERE = "riscv_k3s_registries"
_HOST = re.compile(
    r"(?:\*|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?)\Z"
)
# A user and password where none belong: in an endpoint. They are not shown.
_LOGIN = re.compile(r"""(['"](?:[a-z]+://)?)[^'"]*@""")


def render(config: Any) -> str:
    """The text of registries.yaml for ``config``, a dictionary with mirrors and configs. Raises Problem."""
    check(config)
    plain = _plain(config)
    if config.get("mirrors"):
        # An entry without endpoints says that the embedded registry shares the images of this one.
        plain["mirrors"] = {str(host): _plain(mirror or {}) for host, mirror in config["mirrors"].items()}
    return _HEADER + yaml.safe_dump(plain, default_flow_style=False, sort_keys=True, width=4096)


def check(config: Any) -> None:
    """Raise Problem for anything that k3s would ignore or choke on."""
    _mapping(config, "", [section for section in _types.REGISTRIES if section != "auths"])
    for host, mirror in _dictionary(config.get("mirrors"), "mirrors").items():
        _check_mirror(host, mirror)
    for host, settings in _dictionary(config.get("configs"), "configs").items():
        _check_config(host, settings)


def chosen(config: Any, k3s_ansible: Any) -> Any:
    """What registries.yaml shall hold: ``config`` (riscv_k3s_registries), or where that is None what k3s-ansible
    writes, its variable registries_config_yaml; None for neither. Raises Problem.
    """
    if k3s_ansible is None:
        return config
    return of_k3s_ansible(k3s_ansible) if config is None else config


def text(config: Any, k3s_ansible: Any = None) -> str:
    """The text of registries.yaml: rendered, or that of k3s-ansible, byte for byte, where it says the same.

    Both tools write the whole file. Where they would not write the same, each would undo the other's work: that is a
    Problem.
    """
    rendered = render(config)
    if k3s_ansible is None:
        return rendered
    if _comparable(of_k3s_ansible(k3s_ansible)) == _comparable(config):
        # As the module copy writes a variable that is no text.
        return str(k3s_ansible) if isinstance(k3s_ansible, str) else json.dumps(k3s_ansible)
    raise Problem(
        "k3s-ansible and riscv.k3s would overwrite each other's registries.yaml",
        found="registries_config_yaml, which k3s-ansible writes, says something else than riscv_k3s_registries, "
        "riscv_k3s_mirror_prefix and the embedded registry need",
        where="registries_config_yaml",
        next_step='let both write the same, with registries_config_yaml: "{{ riscv_k3s_registries | '
        'riscv.k3s.registries_yaml }}" (its options mirror and shared stand for the other two), or remove one of them',
    )


def of_k3s_ansible(value: Any) -> Any:
    """The content of registries_config_yaml: YAML as text, or a dictionary. Raises Problem, which shows no value."""
    where = "registries_config_yaml"
    try:
        config = yaml.safe_load(str(value)) if isinstance(value, str) else value
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = ", line %d" % (mark.line + 1) if mark else ""
        raise Problem("registries_config_yaml is not valid YAML", where=where + line) from None
    try:
        check({} if config is None else config)
    except Problem as problem:
        problem.where = str(problem.where).replace(_WHERE, where)
        raise
    return {} if config is None else config


def _comparable(config: Any) -> Any:
    plain = {key: value for key, value in _plain(config).items() if key != "mirrors"}
    return plain, {str(host): _plain(mirror or {}) for host, mirror in (config.get("mirrors") or {}).items()}


def plain_http_hosts(config: Mapping[str, Any]) -> List[str]:
    """Registries (host:port) that a mirror endpoint reaches by http, but whose own mirror does not say how they are
    reached.

    A pull that names such a registry directly goes to https and fails: the most common mistake (k3s issues 1713, 1802).
    """
    mirrors = config.get("mirrors") or {}
    hosts = set()
    for mirror in mirrors.values():
        for endpoint in (mirror or {}).get("endpoint") or []:
            url = urlsplit(endpoint)
            own = (mirrors.get(url.netloc) or {}).get("endpoint")
            if url.scheme == "http" and not own_scheme(url.netloc, own):
                hosts.add(url.netloc)
    return sorted(hosts)


def _check_mirror(host: object, mirror: Any) -> None:
    where = "mirrors." + _host(host, "mirrors")
    mirror = {} if mirror is None else mirror
    _mapping(mirror, where, _types.MIRROR)
    endpoints = mirror.get("endpoint") or []
    if not isinstance(endpoints, list):
        raise _wrong("endpoint must be a list of URLs", endpoints, where)
    asked: Set[Tuple[str, str, str]] = set()
    for endpoint in endpoints:
        url = _url(endpoint)
        if not url or url.scheme not in ("http", "https") or not url.netloc:
            raise _wrong("an endpoint must be a URL with http:// or https://", endpoint, where)
        if url.username or url.password:
            next_step = "put them under configs.%s.auth" % url.hostname
            raise Problem(
                "an endpoint must not hold a user or password", where="%s, %s" % (_WHERE, where), next_step=next_step
            )
        if as_asked(endpoint) in asked:
            raise _wrong("an endpoint stands there twice, by which some versions of k3s use none", endpoint, where)
        asked.add(as_asked(endpoint))
    for pattern, replacement in _dictionary(mirror.get("rewrite"), where + ".rewrite").items():
        _text(pattern, "a rewrite", where)
        _text(replacement, "what a rewrite puts", where)
        why, group = go_regexp.fault(pattern), go_regexp.foreign_group(replacement)
        if why:
            raise _wrong("a rewrite must be a regular expression as Go has them: %s" % why, pattern, where)
        if group:
            raise _wrong("what a rewrite puts names a group as $1, not as %s" % group, replacement, where)
        group = go_regexp.missing_group(pattern, replacement)
        if group:
            raise _wrong("a rewrite puts %s, a group that its pattern does not have" % group, pattern, where)
    if host != "*" and not has_names(str(host)):
        raise _wrong(
            "k3s ignores this mirror: no image is of a registry by that name (a word without a dot and a port is a "
            "part of names at docker.io, and so is index.docker.io)",
            host,
            where,
        )


def _check_config(host: object, settings: Any) -> None:
    where = "configs." + _host(host, "configs")
    settings = {} if settings is None else settings
    _mapping(settings, where, _types.CONFIG)
    auth = settings.get("auth") or {}
    _mapping(auth, where + ".auth", _types.AUTH)
    for key, value in auth.items():
        # YAML reads 0123 as 83 and no as false. The value itself is not shown.
        if value is not None and not isinstance(value, str):
            raise Problem(
                "%s must be text" % key,
                found=type(value).__name__,
                where="%s, %s.auth" % (_WHERE, where),
                next_step="put it in quotes",
            )
    _check_whole(auth, where)
    tls = settings.get("tls") or {}
    _mapping(tls, where + ".tls", _types.TLS)
    for key, value in tls.items():
        kind = bool if key == "insecure_skip_verify" else str
        if value is not None and not isinstance(value, kind):
            raise _wrong("%s must be %s" % (key, "true or false" if kind is bool else "text"), value, where + ".tls")
    if tls.get("cert_file") and not tls.get("key_file"):
        raise _wrong("cert_file needs key_file", sorted(tls), where + ".tls")


def _check_whole(auth: Mapping[str, Any], where: str) -> None:
    """containerd would log in with an empty password, or not at all."""
    username, password = bool(auth.get("username")), bool(auth.get("password"))
    if username and not password or password and not username and not (auth.get("identity_token") or auth.get("auth")):
        raise Problem(
            "the login is not complete",
            found="username without password" if username else "password without username",
            where="%s, %s.auth" % (_WHERE, where),
            next_step="give both, or none",
        )


def _host(host: object, where: str) -> str:
    if not isinstance(host, str) or not _HOST.match(host):
        raise _wrong("a registry is named by host or host:port, without scheme and path", host, where)
    return host


def _dictionary(value: Any, where: str) -> Dict[Any, Any]:
    if value is not None and not isinstance(value, dict):
        raise _wrong("must be a dictionary", type(value).__name__, where)
    return value or {}


def _text(value: object, what: str, where: str) -> None:
    if not isinstance(value, str):
        raise _wrong("%s must be text" % what, value, where)


def _url(text: object) -> Optional[SplitResult]:
    """The parts of a URL, or None when it is none."""
    try:
        url = urlsplit(text) if isinstance(text, str) and text.isprintable() and " " not in text else None
        if url:
            dummy = url.port  # it is read only now, and may be no number
        return url
    except ValueError:
        return None


def _mapping(value: object, where: str, known: Collection[str]) -> None:
    if not isinstance(value, dict):
        raise _wrong("must be a dictionary", type(value).__name__, where)
    unknown = sorted(set(map(str, value)) - set(known))
    if unknown:
        # Only names of keys are shown: a value may be a password.
        hint = "; the key is `endpoint`, a list" if "endpoints" in unknown else ""
        raise Problem(
            "k3s ignores " + ", ".join(unknown),
            where=", ".join(part for part in (_WHERE, where) if part),
            next_step="known are " + ", ".join(sorted(known)) + hint,
        )


def _wrong(what: str, found: object, where: str) -> Problem:
    return Problem(
        what, found=_LOGIN.sub(r"\1***@", repr(found)), where=", ".join(part for part in (_WHERE, where) if part)
    )


def _plain(value: Any) -> Any:
    # Ansible hands over tagged and vaulted subclasses of str and dict, which the safe dumper does not know.
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items() if item not in (None, {}, [])}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    return str(value) if isinstance(value, str) else value
