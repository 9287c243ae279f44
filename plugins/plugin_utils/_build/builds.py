# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images the catalogues of an inventory say how to build: from what, and as what options of oci_image_build.
Pure.
"""

from __future__ import annotations

import os
import posixpath
import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName, full_or_text
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._build import origin, recipes
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.workloads import unfit
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.catalogue import DEFAULT_ARCHITECTURE

# The options of oci_image_build that say what is in an image; those about the registry are the inventory's.
_IMAGE_KEYS = (
    *("content", "program", "dest", "files", "links", "ca_certificates", "entrypoint", "cmd", "user", "env"),
    *("workdir", "labels", "index"),
)
# Where its content comes from. `go` may stand beside another one: a program of one's own in somebody else's files.
_SOURCES = ("src", "url", "debian", "go", "recipe")
_KEYS = _SOURCES + ("checksum",) + _IMAGE_KEYS
_GO_KEYS = ("recipe", "package", "name", "version", "version_variable", "ldflags", "dest")
_DEBIAN_KEYS = ("package", "files", "suites", "mirror")
_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}\Z")


def image_builds(catalogues: Iterable[Iterable[Mapping[str, Any]]], archives_dir: str) -> List[Dict[str, Any]]:
    """The list of builds of several catalogues, each image once, in their order.

    Each has ``image``, ``architecture``, ``origin``, options of oci_image_build, and what its content comes from:
    ``src``, ``archive`` (url, shown, checksum, and file, its name in the cache), ``debian`` and ``go`` (options of
    debian_files_fetch and go_program_build). Relative paths are those below ``archives_dir``.
    Raises Problem for a build which cannot be meant.
    """
    builds: Dict[str, Dict[str, Any]] = {}
    for catalogue in catalogues:
        for entry in _entries(catalogue):
            if not entry.get("build"):
                continue
            build = _read(entry, archives_dir)
            if builds.setdefault(build["image"], build) != build:
                raise Problem(
                    "%s would be built in two ways" % build["image"],
                    where="riscv_k3s_catalogue",
                    next_step="give the second its own tag or repository",
                )
    return list(builds.values())


def _entries(catalogue: Any) -> List[Mapping[str, Any]]:
    wrong = catalogue if not isinstance(catalogue, (list, tuple)) else [
        entry for entry in catalogue if not isinstance(entry, dict)
    ]
    if wrong or not isinstance(catalogue, (list, tuple)):
        raise Problem(
            "the catalogue must be a list of dictionaries",
            found=repr(wrong),
            where="riscv_k3s_catalogue",
            next_step="write each entry as - {stock: …, source: …}",
        )
    return list(catalogue)


def made_builds(
    builds: Iterable[Mapping[str, Any]],
    programs: Iterable[Mapping[str, Any]],
    packages: Iterable[Mapping[str, Any]],
    archives: Iterable[Mapping[str, Any]],
) -> List[Dict[str, Any]]:
    """Options of oci_image_build for ``builds``, by what was made for them: results of loops over go_program_build,
    debian_files_fetch and stat of the archives in the cache.

    ``made`` of each says whether all of it is there: check mode does not build and fetch.
    """
    made = [{_item(result): result for result in results} for results in (programs, packages, archives)]
    return [_made(build, *made) for build in builds]


def _item(result: Mapping[str, Any]) -> str:
    return _text(result["item"])


def _text(item: Mapping[str, Any]) -> str:
    return repr(sorted(item.items()))


def _made(
    build: Mapping[str, Any],
    programs: Mapping[str, Mapping[str, Any]],
    packages: Mapping[str, Mapping[str, Any]],
    archives: Mapping[str, Mapping[str, Any]],
) -> Dict[str, Any]:
    program = programs[_text(build["go"])] if "go" in build else None
    fetched = packages[_text(build["debian"])] if "debian" in build else None
    archive = archives[_text(build["archive"])] if "archive" in build else None
    options = {key: build[key] for key in _IMAGE_KEYS + ("image", "architecture") if key in build}
    options["src"] = build.get("src")
    if fetched:
        options["src"] = fetched["path"]
    if archive:
        options["src"] = archive["stat"].get("path")
    if program and options["src"]:
        beside = {"src": program["path"], "dest": build["go_dest"], "mode": "0755"}
        options["files"] = list(build.get("files") or ()) + [beside]
        options.setdefault("content", "all")
    elif program:
        options["src"] = program["path"]
    there = (program is None or program["sha256"], fetched is None or fetched["sha256"], archive is None or _whole(archive))
    options["made"] = all(there)
    if options["made"] and build["origin"]:
        options["annotations"] = origin.of(build, program, fetched)
    return options


def unfetched_archives(there: Iterable[Mapping[str, Any]], fetched: Iterable[Mapping[str, Any]]) -> List[str]:
    """A sentence about each archive that is not in the cache as it should be: results of loops over stat, and over
    get_url, which says why.
    """
    said = {_item(result): result.get("msg") for result in fetched}
    return [
        str(
            Problem(
                "the archive %s was not fetched" % result["item"]["shown"],
                found=said.get(_item(result)) or "no such file",
                where=result["item"]["checksum"],
                next_step="if it can be reached, compare its checksum with what upstream publishes: then either the "
                "archive or the build section is wrong",
            )
        )
        for result in there
        if not _whole(result)
    ]


def _whole(archive: Mapping[str, Any]) -> bool:
    # What is no file, or cannot be read, has no checksum.
    said = archive["stat"].get("checksum")
    return bool(said) and "sha256:" + said == archive["item"]["checksum"]


def _read(entry: Mapping[str, Any], archives_dir: str) -> Dict[str, Any]:
    where = "build of %s in riscv_k3s_catalogue" % entry.get("stock")
    build, source = entry["build"], entry.get("source")
    own, came_from = _with_recipe(build, where)
    _check(own, where)
    if not isinstance(source, str) or ":" not in source.rpartition("/")[2] or "@" in source:
        raise Problem(
            "what is built needs a tag",
            found="source %s" % source,
            where=where,
            next_step="write source as HOST:PORT/REPOSITORY:TAG",
        )
    why = unfit(full_or_text(str(entry.get("stock"))).rpartition(":")[0], str(own.get("user") or ""))
    if why:
        raise Problem(
            "the image of this build would not start",
            found=why,
            where=where,
            next_step='give it a user by number, as in user: "65532:65532", that may read its files',
        )
    architecture = entry.get("architecture", DEFAULT_ARCHITECTURE)
    found = {key: own[key] for key in _IMAGE_KEYS if key in own}
    found.update(image=ImageName.parse(source).full, architecture=architecture, origin=came_from)
    if own.get("files"):
        found["files"] = [dict(item, src=os.path.join(archives_dir, item["src"])) for item in own["files"]]
    if own.get("src"):
        found["src"] = os.path.join(archives_dir, own["src"])
    if own.get("url"):
        found["archive"] = _url(own, where)
    if own.get("debian"):
        found["debian"] = dict(_debian(own, where), architecture=architecture)
    if own.get("go"):
        found.update(_go(own, architecture, archives_dir, where))
    return found


def _with_recipe(build: Any, where: str) -> Tuple[Dict[str, Any], Dict[str, str]]:
    """A build as a dictionary, with what its recipe says where it does not say it itself, and where that comes from."""
    if not isinstance(build, dict):
        raise _no_content(build, where)
    if "recipe" not in build:
        return build, {"name": _name(build)} if set(build) & {"go", "debian", "url"} else {}
    name = build["recipe"]
    recipe = recipes.find(name, where)
    more = sorted(set(build) & (set(_SOURCES) - {"recipe"}))
    if more:
        raise Problem(
            "a build has a recipe and %s" % ", ".join(more), where=where, next_step="leave one of them out"
        )
    said = ("version", "source", "revision")
    came_from: Dict[str, str] = {key: str(recipe[key]) for key in said if key in recipe}
    base = recipe["build"]
    if "go" in base:
        base["go"] = dict({"recipe": recipes.folder(name)}, **base["go"])
    own = {key: value for key, value in build.items() if key != "recipe"}
    return dict(base, **own), dict(came_from, name=name, recipe=name)


def _name(build: Mapping[str, Any]) -> str:
    go, debian = build.get("go"), build.get("debian")
    if isinstance(debian, dict):
        return str(debian.get("package"))
    if isinstance(go, dict):
        return str(go.get("name") or posixpath.basename(str(go.get("recipe", "")).rstrip("/")))
    return posixpath.basename(re.sub(r"[?#].*", "", str(build.get("url")), flags=re.DOTALL))


def _check(build: Mapping[str, Any], where: str) -> None:
    unknown = sorted(set(build) - set(_KEYS))
    if unknown:
        raise Problem(
            "a build has a key that is not known: " + ", ".join(map(str, unknown)),
            where=where,
            next_step="known are " + ", ".join(_KEYS),
        )
    bases = [key for key in ("src", "url", "debian") if build.get(key)]
    if len(bases) > 1:
        raise Problem("a build has " + " and ".join(bases), where=where, next_step="leave one of them out")
    if not bases and not build.get("go"):
        raise _no_content(build, where)
    files = build.get("files") or []
    if not isinstance(build.get("src") or "", str) or not isinstance(files, (list, tuple)) or not all(map(_is_file, files)):
        raise Problem(
            "src or files of a build is none",
            found=repr({key: build[key] for key in ("src", "files") if key in build}),
            where=where,
            next_step="write src as a path, and files as a list of {src: PATH, dest: PATH}",
        )


def _is_file(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("src"), str)


def _no_content(build: object, where: str) -> Problem:
    return Problem(
        "a build needs what it is made from",
        found=repr(build),
        where=where,
        next_step="give one of src (a release archive), url with checksum, go, debian and recipe",
    )


def _url(build: Mapping[str, Any], where: str) -> Dict[str, str]:
    url, checksum = str(build["url"]), str(build.get("checksum", ""))
    if not re.match(r"(https?|file)://", url):
        raise Problem("url of a build is none", found=url, where=where, next_step="write it as https://…")
    if not _CHECKSUM.match(checksum):
        raise Problem(
            "a build with a url needs the checksum of the archive",
            found=checksum or "none",
            where=where,
            next_step='write checksum: "sha256:…", from the list of checksums that upstream publishes beside it',
        )
    # A login may stand before the host, a token behind the path: neither belongs into an image or onto a screen.
    shown = re.sub(r"(?<=://)[^/]*@", "", re.sub(r"[?#].*", "", url, flags=re.DOTALL))
    name = re.sub(r"[^A-Za-z0-9._-]", "_", posixpath.basename(shown)).lstrip(".") or "archive"
    return {"url": url, "shown": shown, "checksum": checksum, "file": "%s/%s" % (checksum[7:23], name)}


def _go(build: Mapping[str, Any], architecture: str, archives_dir: str, where: str) -> Dict[str, Any]:
    options = _options(build, "go", _GO_KEYS, where)
    if not options.get("recipe") or not isinstance(options["recipe"], str):
        raise Problem(
            "go of a build needs recipe",
            found=repr(options),
            where=where,
            next_step="name the folder with go.mod and go.sum",
        )
    options["recipe"] = os.path.join(archives_dir, options["recipe"])
    dest: Optional[str] = options.pop("dest", None)
    beside = any(build.get(key) for key in ("src", "url", "debian"))
    if beside and not dest:
        raise Problem(
            "go of a build needs dest, where other files are in the image as well",
            found=repr(build["go"]),
            where=where,
            next_step="give the path of the program in the image",
        )
    return dict({"go": dict(options, architecture=architecture)}, **({"go_dest": dest} if beside and dest else {}))


def _debian(build: Mapping[str, Any], where: str) -> Dict[str, Any]:
    options = _options(build, "debian", _DEBIAN_KEYS, where)
    if isinstance(options.get("package"), str) and options.get("files") and isinstance(options["files"], (list, tuple)):
        return options
    raise Problem(
        "debian of a build needs package and files",
        found=repr(build["debian"]),
        where=where,
        next_step="name a package, and list the paths of the files that are wanted of it",
    )


def _options(build: Mapping[str, Any], name: str, known: Iterable[str], where: str) -> Dict[str, Any]:
    options = build[name]
    unknown = sorted(map(str, set(options) - set(known))) if isinstance(options, dict) else None
    if unknown or not isinstance(options, dict):
        raise Problem(
            "%s of a build has %s" % (name, "a key that is not known: " + ", ".join(unknown) if unknown else "no keys"),
            found=repr(options),
            where=where,
            next_step="known are " + ", ".join(known),
        )
    return dict(options)
