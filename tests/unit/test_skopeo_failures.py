# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of skopeo's words when it fails. They were recorded from skopeo 1.9.3 and answers of real registries."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import RegistryProblem, about, failed, timed_out
from ansible_collections.riscv.k3s.plugins.module_utils._failure.words import reason
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import Access
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName

NAME = ImageName.parse("reg:5000/proj/app:1")
READ = "reading manifest 1 in reg:5000/proj/app: "
PARSED = 'Error parsing image name \\"docker://reg:5000/proj/app:1\\": '
UPLOAD = "initiating layer upload to /v2/proj/app/blobs/uploads/ in reg:5000: "
BLOB = "uploading layer chunked: "
ACCESS = "unauthorized to access repository: proj/app, action: %s"
MANIFEST = "uploading manifest 1 to reg:5000/proj/app: "
LOGIN = PARSED + "getting username and password: 1 error occurred:\\n\\t* "
HELPER = LOGIN + "error getting credentials - err: "
CONFIGURATION = PARSED + 'loading registries configuration: loading registries configuration \\"/h/registries.conf\\": '


def log(text):
    return 'time="x" level=debug msg="GET https://reg:5000/v2/"\ntime="x" level=fatal msg="%s"\n' % text


@pytest.mark.parametrize(
    "text, cause",
    [
        # A registry's usual messages, which skopeo 1.9 leaves out.
        (READ + "name unknown", "no-such-image"),
        (READ + "manifest unknown", "no-such-image"),
        (READ + "denied", "registry-auth"),
        (READ + "unauthorized", "registry-auth"),
        (READ + "toomanyrequests", "registry-rate-limit"),
        (READ + "unavailable", "registry-fault"),
        (READ + "unknown: Tag 1 was deleted or has expired. To pull, revive via time machine", "no-such-image"),
        (READ + "unknown: project proj not found", "no-such-image"),
        (READ + "unknown: what is denied", "unknown"),
    ],
)
def test_messages_without_a_colon(text, cause):
    assert failed("x", NAME, log(text)).cause == cause


@pytest.mark.parametrize(
    "text, why, step",
    [
        (HELPER + "docker-credential-no resolves to executable in current directory", "helper", "credHelpers"),
        (HELPER + "exit status 1, out: ``", "credential helper of this machine fails", "docker-credential-NAME"),
        (LOGIN + "illegal base64 data at input byte 0", "stored logins cannot be read", "auth.json"),
        (
            LOGIN + 'reading JSON file \\"/h/auth.json\\": unexpected end',
            "stored logins cannot be read",
            "correct the file",
        ),
        (
            'Error loading trust policy: invalid policy in \\"/h/policy.json\\": x',
            "signatures cannot be read",
            "correct",
        ),
        (
            "Source image rejected: Running image docker://a is rejected by policy.",
            "signatures refuse it",
            "policy.json",
        ),
        (
            "Source image rejected: A signature was required, but no signature exists",
            "signatures refuse",
            "policy.json",
        ),
        (PARSED + "registry reg:5000 is blocked in /h/registries.conf or /h/d", "registries.conf blocks", "the block"),
        (CONFIGURATION + "toml: line 0: expected", "registries.conf cannot be read", "correct the file"),
        (
            CONFIGURATION + "invalid location 'http://a': URI schemes are not supported",
            "cannot be read",
            "correct the file",
        ),
        (PARSED + "missing key client.key for client certificate client.cert. Note that", "certificate", "PEM"),
        (PARSED + "tls: failed to find any PEM data in certificate input", "certificate", "PEM"),
        (PARSED + "tls: private key does not match public key", "certificate", "of one pair"),
        (PARSED + "invalid reference format", "takes no such name", "host name or an IPv4 address"),
        ("Invalid destination name docker://[fd00::1]:1/a: invalid reference format", "takes no such name", "IPv4"),
        ("unknown flag: --preserve-digests", "too old", "install skopeo 1.9 or newer"),
        (
            PARSED + "parsing /h/registries.d/a.yaml: error converting YAML to JSON",
            "a file of this machine",
            "is named",
        ),
        (PARSED + "open /etc/docker/certs.d/a/ca.crt: permission denied", "a file of this machine", "its permissions"),
    ],
)
def test_faults_of_this_machine(text, why, step):
    """No registry is to blame, and its log tells nothing."""
    problem = failed("it cannot be read", NAME, log(text))
    assert (problem.cause, problem.where) == ("controller", "this machine")
    assert why in problem.what and step in problem.next_step and "registry's log" not in str(problem)


@pytest.mark.parametrize(
    "err, rc, why",
    [
        ("skopeo: error while loading shared libraries: libgpgme.so.11: cannot open", 127, "skopeo cannot run"),
        ("/usr/bin/skopeo: 2: exec: nope: not found", 126, "skopeo cannot run"),
        ("", -9, "skopeo was killed (signal 9)"),
    ],
)
def test_a_skopeo_that_does_not_run(err, rc, why):
    problem = failed("it cannot be read", NAME, err, rc=rc)
    assert problem.cause == "controller" and why in problem.what


def test_a_registry_cannot_blame_this_machine():
    words = "unknown: getting username and password: open /etc/shadow: registry a is blocked in b"
    assert failed("x", NAME, log(READ + words)).cause == "unknown"


TLS = 'pinging container registry reg:5000: Get \\"https://reg:5000/v2/\\": '


@pytest.mark.parametrize(
    "text, cause, step",
    [
        (TLS + "x509: certificate is valid for other, not reg", "tls-authority", "subjectAltName"),
        (TLS + "x509: certificate relies on legacy Common Name field", "tls-authority", "subjectAltName"),
        (TLS + "x509: cannot validate certificate for 1.2.3.4 because", "tls-authority", "subjectAltName"),
        (TLS + "x509: certificate signed by unknown authority", "tls-authority", "ca_file"),
        (BLOB + "StatusCode: 413, <html>\\r <head><title>413 Request Entity Too Large<...", "registry-rules", "limit"),
        (
            MANIFEST + "denied: adding 29.0 MiB of storage resource, which when updated to current usage of 152.4 MiB "
            "will exceed the configured upper limit of 160.0 MiB.",
            "registry-rules",
            "quota",
        ),
        (BLOB + "denied: storage quota exceeded", "registry-rules", "quota"),
        (
            MANIFEST + "unknown: Failed to process request due to 'app:1' configured as immutable.",
            "registry-rules",
            "tag",
        ),
        (
            MANIFEST + "tag invalid: it cannot be overwritten because the repository is immutable.",
            "registry-rules",
            "tag",
        ),
        (UPLOAD + "denied: The system is in read only mode. Any modification is prohibited.", "registry-rules", "end"),
        (UPLOAD + "unsupported", "registry-rules", "pull-through cache"),
        # What people meet who fill a registry: behind a proxy (distribution 970, 2225), that is too old for OCI images
        # (skopeo 1036), whose names have few parts, whose repositories are made by hand, whose storage is closed.
        (BLOB + "blob upload unknown: blob upload unknown to registry", "registry-fault", "X-Forwarded-Proto"),
        # skopeo 2055, distribution 2862: the port is lost in the address that the registry gives for an upload.
        (
            BLOB + 'Patch \\"https://reg/v2/a/blobs/uploads/1?_state=x\\": dial tcp 192.0.2.1:443: connect: connection '
            "refused",
            "registry-fault",
            "http.host",
        ),
        (
            BLOB + 'Put \\"https://inner:5000/v2/a/blobs/uploads/1\\": dial tcp: lookup inner: no such host',
            "registry-fault",
            "X-Forwarded-Proto",
        ),
        (
            BLOB
            + 'Patch \\"https://reg:5000/v2/a/blobs/uploads/1\\": dial tcp 192.0.2.1:5000: connect: connection refused',
            "registry-refused",
            "start the registry",
        ),
        (MANIFEST + "manifest invalid: manifest invalid", "registry-rules", "OCI images"),
        (
            MANIFEST + "manifest invalid: mediaType in manifest should be "
            "'application/vnd.docker.distribution.manifest.v2+json' not 'application/vnd.oci.image.manifest.v1+json'",
            "registry-rules",
            "OCI images",
        ),
        (UPLOAD + "name invalid: invalid repository name", "registry-rules", "riscv_k3s_mirror_prefix"),
        (UPLOAD + "unknown: Not Found", "no-such-image", "create the repository"),
        (UPLOAD + "StatusCode: 404, ", "no-such-image", "create the repository"),
        (UPLOAD + "unknown: unknown error", "registry-fault", "storage"),
        (BLOB + "unknown: filesystem: mkdir /var/lib/registry/docker: permission denied", "registry-fault", "storage"),
        # Harbor since 2.1 (goharbor 12731, 21228); and of a project that is not there, or not for this user (goharbor
        # 13115, 20544, 21373).
        (UPLOAD + "denied: can not push artifact to a proxy project: proj", "registry-rules", "no pull-through cache"),
        (UPLOAD + "unauthorized: " + ACCESS % "push", "registry-auth", "create the project"),
        (READ + "unauthorized: " + ACCESS % "pull", "registry-auth", "create the project"),
        (READ + "unauthorized: project not found, name: proj", "registry-auth", "create the project"),
        (UPLOAD + "unsupported: The operation is unsupported.", "registry-rules", "pull-through cache"),
        (
            UPLOAD + "name unknown: The repository with name 'proj/app' does not",
            "no-such-image",
            "create the repository",
        ),
        (UPLOAD + "unknown: project proj not found", "no-such-image", "create the repository"),
        (READ + "unknown: 3 vulnerabilities cannot be pulled due to configured policy", "registry-rules", "scan"),
        # What is known by other words already is left alone.
        ("writing blob: write /h/blob: disk quota exceeded", "pull-disk-full", "make room there"),
        (READ + "toomanyrequests: Quota exceeded for quota metric x", "registry-rate-limit", "wait"),
        ("uploading manifest 1 to reg:5000/quota/immutable: denied", "registry-auth", "username"),
        (PARSED + TLS + "dial tcp: lookup reg: no such host", "registry-name", "under its own name"),
    ],
)
def test_words_that_tell_what_to_do(text, cause, step):
    problem = failed("it cannot be read", NAME, log(text))
    assert problem.cause == cause and step in problem.next_step, str(problem)


@pytest.mark.parametrize(
    "text, access, has_proxy, words",
    [
        (READ + "unauthorized: x", {"username": "u", "password": "p"}, False, "refuses user u"),
        (READ + "unauthorized: x", {}, False, "set riscv_k3s_registry_username and riscv_k3s_registry_password"),
        (
            TLS + "x509: certificate signed by unknown authority",
            {"ca_file": "/h/ca.pem"},
            False,
            "authority in /h/ca.pem",
        ),
        (
            "pinging container registry reg:5000: invalid status code from registry 403 (Forbidden)",
            {},
            True,
            "no_proxy",
        ),
        ("pinging container registry reg:5000: invalid status code from registry 502 (x)", {}, False, "its log"),
    ],
)
def test_what_depends_on_how_it_was_asked(text, access, has_proxy, words):
    assert words in str(failed("x", NAME, log(text), Access("reg:5000", **access), has_proxy=has_proxy))


def test_a_question_without_an_answer():
    """What is no pull is not called one, and the option that helps has a name."""
    text = str(timed_out("x", NAME, "", 5))
    assert "reg:5000 did not answer in time" in text and "option timeout" in text and "pull" not in text


def test_a_reason_that_is_not_known_stands_where_the_message_says():
    text = str(failed("it cannot be read", NAME, log(READ + "teapot")))
    assert "below" not in text and "Found: reading manifest 1 in reg:5000/proj/app: teapot" in text


def test_escapes_in_a_reason():
    assert reason(log(LOGIN + 'a \\"b\\" \\\\ c')) == 'getting username and password: 1 error occurred: * a "b" \\ c'


def test_a_problem_said_of_another_image():
    other = ImageName.parse("reg:5000/b:2")
    problem = RegistryProblem("no-registry", "%s cannot be read: x" % NAME.full, READ + "x", "reg:5000", "correct it")
    said = about(problem, NAME, other)
    assert "reg:5000/b:2 cannot be read" in str(said) and "proj/app" not in str(said)
    assert (said.cause, said.where, said.next_step) == ("no-registry", "reg:5000", "correct it")
