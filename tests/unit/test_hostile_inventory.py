# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory can hold in place of registries, catalogue and patches: said exactly in the file, or refused by
name.
"""

import hypothesis
import pytest
import yaml
from hostile import ANY_TEXT, ANYTHING, COUNTS, NASTY, many, outcome, st

from ansible_collections.riscv.k3s.plugins.filter.registries_yaml import registries_yaml
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import (
    CONTAINER_FIELDS,
    normalise_patches,
    patch_digest,
)
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.access import registry_access
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.embedded import with_hosts
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.mirror import with_mirror

SECRET = "hunter2"
HOSTS = st.sampled_from(
    ["docker.io", "docker.io", "*", "192.168.173.76:6000", "[fd00::1]:5000", "x:99999", "http://x", "x/y", 5000]
    + NASTY[:3]
)
URLS = st.sampled_from(
    ["http://x:5000", "https://x/v2/riscv64"] * 8
    + [
        "http://[::1",
        "http://x:port",
        "http://\u2100.x",
        "ftp://x",
        "http:///x",
        "http://u:p@x",
        "x:5000",
        "http://x\ny",
        None,
        3,
        ["x"],
    ]
)


def spoiled(**fields):
    """A dictionary as it should be, in which one value is likely to be anything at all."""
    wrong = st.dictionaries(st.sampled_from(sorted(fields) + ["other"]), ANYTHING, max_size=1)
    return st.builds(lambda good, bad: dict(good, **bad), st.fixed_dictionaries({}, optional=fields), wrong)


def controller_access(config):
    return registry_access({"riscv_k3s_registries": config})


WORDS = st.one_of(ANY_TEXT, st.none())
MIRRORS = spoiled(
    endpoint=st.lists(URLS, max_size=2),
    rewrite=st.dictionaries(st.sampled_from(["^a/(.*)$", "(", "a{99999999999}"]), ANY_TEXT, max_size=1),
)
CONFIGS = spoiled(
    auth=spoiled(username=WORDS, password=WORDS, auth=WORDS, identity_token=WORDS),
    tls=spoiled(ca_file=WORDS, cert_file=WORDS, key_file=WORDS, insecure_skip_verify=st.booleans()),
)
REGISTRIES = spoiled(
    mirrors=st.dictionaries(HOSTS, st.one_of(MIRRORS, st.none()), max_size=2),
    configs=st.dictionaries(HOSTS, CONFIGS, max_size=1),
)
POD = dict(
    manifest=st.just("x.yaml"),
    kind=st.sampled_from(["Deployment", "Pod"]),
    name=WORDS,
    container=WORDS,
    namespace=WORDS,
)
PATCHES = st.one_of(
    spoiled(image=st.just("a/b:1"), **POD),
    spoiled(
        command=st.lists(WORDS, max_size=2),
        args=st.lists(st.one_of(WORDS, st.integers(), st.booleans()), max_size=2),
        image_pull_policy=st.just("Never"),
        **POD,
    ),
    spoiled(env=st.dictionaries(st.sampled_from(["A", "B", "B", "A B", 1]), WORDS, max_size=2), **POD),
    spoiled(
        manifest=st.just("x.yaml"),
        kind=st.just("HelmChart"),
        name=WORDS,
        values=st.dictionaries(ANY_TEXT, ANYTHING, max_size=2),
    ),
)
ENTRIES = st.fixed_dictionaries(
    {
        "stock": st.sampled_from(
            ["rancher/mirrored-pause"] * 4 + ["localhost:5000/x", "rancher/mirrored-pause:3.6", "--help"]
        ),
        "source": st.sampled_from(["r.io/n", "r.io/n:1", "r.io/n@sha256:" + "0" * 64, "rancher/mirrored-pause", "a b"]),
    }
).flatmap(
    lambda good: spoiled(
        tags=st.sampled_from(["*", "3.*", "[", "[!a", 3.6, None]),
        min_version=st.sampled_from(["1.2", 3.6, None, "9" * 5000]),
        architecture=st.just("riscv64"),
        patch=st.one_of(st.none(), PATCHES),
    ).map(lambda rest: dict(good, **rest))
)


def without_nothing(value):
    """As the file is to say it: keys without a value left out."""
    if isinstance(value, dict):
        return {key: without_nothing(item) for key, item in value.items() if item not in (None, {}, [])}
    return [without_nothing(item) for item in value] if isinstance(value, list) else value


@many(0.3)
@hypothesis.given(REGISTRIES)
def test_registries_are_said_exactly_or_refused(config):
    COUNTS["registries.yaml"] += 1
    outcome(controller_access, config)
    outcome(with_mirror, config, "x:5000/riscv64")
    outcome(with_hosts, config, ["docker.io"])
    text = outcome(_registries.render, config)
    if isinstance(text, Problem):
        hypothesis.event("refused")
        return
    wanted = without_nothing(config)
    if config.get("mirrors"):
        wanted["mirrors"] = {host: without_nothing(mirror or {}) for host, mirror in config["mirrors"].items()}
    assert without_nothing(yaml.safe_load(text)) == without_nothing(wanted)
    assert (yaml.safe_load(text).get("mirrors") or {}).keys() == (wanted.get("mirrors") or {}).keys(), (
        "an entry without endpoints says something, too"
    )
    _registries.plain_http_hosts(config)


@many(0.3)
@hypothesis.given(st.one_of(st.lists(ENTRIES, min_size=1, max_size=2), ANYTHING))
def test_a_catalogue_is_read_or_refused(raw):
    COUNTS["catalogues"] += 1
    entries = outcome(_catalogue.read, raw)
    if isinstance(entries, Problem):
        hypothesis.event("refused")
        return
    for image in map(ImageName.parse, ("rancher/mirrored-pause:3.6", "localhost:5000/x:" + "9" * 100, "r.io/n:1")):
        found = _catalogue.find(entries, image, "riscv64")
        assert found is None or ImageName.parse(found.source_for(image)).full
        patch_digest(_catalogue.patches_for(entries, image, ["riscv64"]))


@many(0.3)
@hypothesis.given(PATCHES)
def test_a_patch_is_normal_or_refused(patch):
    COUNTS["patches"] += 1
    made = outcome(normalise_patches, [patch])
    if isinstance(made, Problem):
        hypothesis.event("refused")
        return
    assert normalise_patches(made) == made and patch_digest(made) == patch_digest([patch])
    assert all(isinstance(item, str) for key in CONTAINER_FIELDS for item in made[0].get(key) or [])


@pytest.mark.parametrize("word", NASTY)
@pytest.mark.parametrize("key", ["username", "password", "auth", "identity_token"])
def test_a_password_of_any_characters_comes_out_as_it_is(word, key):
    # Half a login is refused.
    other = {"username": {"password": "p"}, "password": {"username": "u"}}.get(key, {})
    text = _registries.render({"configs": {"x": {"auth": dict(other, **{key: word})}}})
    assert yaml.safe_load(text)["configs"]["x"]["auth"][key] == word


# what, registries, what is said
REFUSED = [
    ("a list", [], "must be a dictionary"),
    ("mirrors are a list", {"mirrors": ["docker.io"]}, "must be a dictionary.*mirrors"),
    ("configs are text", {"configs": SECRET}, "must be a dictionary. Found: 'str'"),
    ("a rewrite that is a list", {"mirrors": {"x": {"rewrite": ["a"]}}}, "must be a dictionary.*rewrite"),
    ("a rewrite by a number", {"mirrors": {"x": {"rewrite": {"a": 1}}}}, "must be text"),
    (
        "a rewrite that repeats too often",
        {"mirrors": {"x": {"rewrite": {"a{99999999999}": "b"}}}},
        "regular expression",
    ),
    ("a URL with half an address", {"mirrors": {"x": {"endpoint": ["http://[::1"]}}}, "must be a URL"),
    ("a URL with a port that is none", {"mirrors": {"x": {"endpoint": ["http://x:port"]}}}, "must be a URL"),
    ("a URL with a line end", {"mirrors": {"x": {"endpoint": ["http://x\nmirrors: {}"]}}}, "must be a URL"),
    (
        "a password that YAML reads as a number",
        {"configs": {"x": {"auth": {"password": 83}}}},
        "password must be text. Found: int.*put it in quotes",
    ),
    (
        "a password that YAML reads as false",
        {"configs": {"x": {"auth": {"password": False}}}},
        "password must be text. Found: bool",
    ),
    (
        "a password that is a list",
        {"configs": {"x": {"auth": {"password": [SECRET]}}}},
        "password must be text. Found: list",
    ),
    ("a host that is a number", {"mirrors": {5000: {}}}, "host or host:port"),
]


@pytest.mark.parametrize("config,message", [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(config, message):
    made_of_it = (lambda given: with_mirror(given, "x:5000/y"), lambda given: with_hosts(given, ["x"]))
    for function in (_registries.render, controller_access, registries_yaml) + made_of_it:
        with pytest.raises(Problem, match=message) as caught:
            function(config)
        assert SECRET not in str(caught.value)


ENTRY = {"stock": "rancher/mirrored-pause", "source": "r.io/n"}
PATCH = {"manifest": "x.yaml", "kind": "Pod", "name": "p", "container": "c", "image": "a/b"}
CHART = {"manifest": "x.yaml", "kind": "HelmChart", "name": "p"}
# what, entry, what is said
BAD_ENTRIES = [
    ("keys of several kinds", dict(ENTRY, x=1) | {3: 1}, "not known: 3, x"),
    ("tags are a list", dict(ENTRY, tags=["1"]), "tags of a catalogue entry must be text"),
    (
        "a source that is none",
        dict(ENTRY, source="--help"),
        "entry 1 of riscv_k3s_catalogue .*source is not valid|source is not valid.*entry 1",
    ),
    ("a version of thousands of digits", dict(ENTRY, min_version="9" * 5000), "min_version is not a version"),
    ("a patch with keys of several kinds", dict(ENTRY, patch=PATCH | {3: 1, "x": 1}), "unknown keys. Found: 3, x"),
    ("a kind that is a list", dict(ENTRY, patch=dict(PATCH, kind=["Pod"])), "kind must hold text"),
    ("env is a list", dict(ENTRY, patch=dict(PATCH, env=["A"])), "env must be a dictionary"),
    ("a word that is a dictionary", dict(ENTRY, patch=dict(PATCH, args=[{"a": 1}])), "args must hold text"),
    ("half a character", dict(ENTRY, patch=dict(PATCH, args=["\ud800"])), "half of a character"),
    ("values are text", dict(ENTRY, patch=dict(CHART, values="x")), "what JSON can hold"),
    ("values with a number as key", dict(ENTRY, patch=dict(CHART, values={1: 2})), "what JSON can hold"),
    ("values with keys of several kinds", dict(ENTRY, patch=dict(CHART, values={1: 2, "a": 2})), "what JSON can hold"),
    ("values that are no number", dict(ENTRY, patch=dict(CHART, values={"a": float("nan")})), "what JSON can hold"),
]


@pytest.mark.parametrize("entry,message", [case[1:] for case in BAD_ENTRIES], ids=[case[0] for case in BAD_ENTRIES])
def test_entries_refused(entry, message):
    with pytest.raises(Problem, match=message):
        _catalogue.read([entry])


def test_a_key_without_a_value_is_a_key_left_out():
    assert _catalogue.read(
        [dict(ENTRY, tags=None, architecture=None, min_version=None, patch=None)]
    ) == _catalogue.read([ENTRY])
