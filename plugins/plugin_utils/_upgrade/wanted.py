# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stock images k3s wants, that of the boards or a version that comes next, and what may serve each. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.plugin_utils._build.recipes import serving
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import demand
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.klipper import charts
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.mirror import default_registry, host_of
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.supply import Supply

# What k3s runs without when --disable names it.
_COMPONENTS = {
    "coredns": (_releases.COREDNS,),
    "local-storage": (_releases.LOCAL_PATH, _releases.BUSYBOX),
    "metrics-server": (_releases.METRICS_SERVER,),
    "servicelb": (_releases.KLIPPER_LB,),
    "traefik": (_releases.TRAEFIK, _releases.KLIPPER_HELM),
}
_TEMPLATES = ("%{SYSTEM_DEFAULT_REGISTRY}%", "%{SYSTEM_DEFAULT_REGISTRY_RAW}%")


def upgrade_images(
    version,
    catalogue,
    manifests=None,
    images=None,
    disable=(),
    architecture=_catalogue.DEFAULT_ARCHITECTURE,
    mirror_prefix=None,
    asked=None,
):
    """What ``version`` of k3s wants, and what is to be asked of registries about it. ``asked`` is what
    boards ask for, [{image: full name, required: whether something runs it, below: the registry that k3s puts before
    its images' names, if it did}]: with it no version counts. Where that is the mirror's registry, the image is held
    there under the very name.

    ``catalogue`` as the inventory has it; ``manifests`` rows with path, text and skip of that version's packaged
    manifests, or None; ``images`` the references in that release's list of images (k3s-images.txt), or None;
    ``disable`` components that k3s runs without; ``mirror_prefix`` where content lies under stock names, or None.
    Returns {rows, references, problems}; a row has image (None where the tag is not known), name, where, sure (as of
    _releases), required, source and mirror (references or None), third_party (whether nobody of the project made that
    source), recipe (the name of what can be built in its place, or None), patch (whether the workload needs one), and
    instead (the image that the patch names in place of the stock one, or None), and elsewhere (the registry of
    somebody else that k3s puts before the name, or None). Raises Problem.
    """
    if asked is not None:
        rows, problems = [_asked(one) for one in asked], []
    else:
        rows, problems = _of_version(version, manifests, images or (), disable)
    registries = {row["below"] for row in asked or () if row.get("below")}
    supply = Supply(_catalogue.read(catalogue), mirror=mirror_prefix, registries=registries)
    rows = [
        _with_supply(dict({"required": True}, **row), supply, architecture)
        for row in sorted(rows, key=lambda row: row["image"] or row["name"])
    ]
    references = {
        reference
        for row in rows
        for reference in (row["source"], row["mirror"], row["image"], row["instead"])
        if reference
    }
    return {"rows": rows, "references": sorted(references), "problems": problems}


def _asked(one):
    image = ImageName.parse(one["image"])
    row = {"image": image.full, "name": image.name, "where": ["the boards"], "sure": _releases.EXACT}
    return dict(row, required=one["required"])


def _of_version(version, manifests, images, disable):
    known = _known(version, images)
    if manifests:
        return _of_manifests(known, manifests, disable, version)
    return _of_table(known, disable, version), []


def next_demand(version, disable=(), images=()):
    """The stock images of a version that comes next, as rows of a board's demand; those whose tag is not known are left
    out. Raises Problem.
    """
    rows = _of_table(_known(version, images), disable, version)
    place = "k3s %s, which comes next" % version
    return [{"image": row["image"], "where": [place], "required": False} for row in rows if row["image"]]


def _known(version, images):
    """The release table, with what the release's own list says put over it."""
    known = dict(_releases.stock_images(version))
    for text in images:
        if text.strip() and not text.startswith("#"):
            image = ImageName.parse(text.strip())
            known[image.name] = _releases.StockImage(image.tag, _releases.EXACT)
    return known


def _of_table(known, disable, version):
    left_out = {name for component in disable for name in _COMPONENTS.get(component, ())}
    return [_row(name, image, ["k3s %s" % version]) for name, image in known.items() if name not in left_out]


def _of_manifests(known, manifests, disable, version):
    kept = [dict(row, text=_filled_in(row["text"])) for row in manifests if not _is_disabled(row["path"], disable)]
    found, problems = demand(kept)
    rows = []
    for item in found:
        image = ImageName.parse(item["image"])
        rows.append({"image": image.full, "name": image.name, "where": item["where"], "sure": _releases.EXACT})
    others = {_releases.PAUSE: ["the pause image of k3s %s" % version]}
    if charts(kept):
        others[_releases.KLIPPER_HELM] = ["%s installing job" % place for place in charts(kept)]
    if "servicelb" not in disable:
        others[_releases.KLIPPER_LB] = ["servicelb, for Services of type LoadBalancer"]
    return rows + [_row(name, known[name], where) for name, where in others.items()], problems


def _is_disabled(path, disable):
    # As k3s does: a file's name without its ending, or a folder.
    parts = path.split("/")
    return any(part in disable for part in parts[:-1] + [parts[-1].partition(".")[0]])


def _filled_in(text):
    for template in _TEMPLATES:
        text = (text or "").replace(template, "")
    return text


def _row(name, image, where):
    return {
        "image": "%s:%s" % (name, image.tag) if image.tag else None,
        "name": name,
        "where": where,
        "sure": image.sure,
    }


def _with_supply(row, supply, architecture):
    if not row["image"]:
        row = dict(row, elsewhere=None)
        return dict(row, source=None, mirror=None, patch=False, instead=None, third_party=False, recipe=None)
    image = ImageName.parse(row["image"])
    stock = supply.stock(image)
    offer = supply.offer(image, architecture)
    entry = _catalogue.find(supply.catalogue, image, architecture) or _catalogue.find(
        supply.catalogue, stock, architecture
    )
    is_elsewhere = stock != image and not image.full.startswith("%s/" % host_of(supply.mirror))
    return dict(
        row,
        name=stock.name,
        source=offer.source,
        third_party=bool(entry and entry.third_party),
        recipe=serving(stock.full, architecture),
        # Nothing is pushed to a registry of somebody else.
        mirror=None if is_elsewhere else offer.mirrored,
        elsewhere=default_registry(image.full, supply.registries) if is_elsewhere else None,
        patch=offer.needs_patch,
        instead=offer.patched,
    )
