# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx, for the site that tools/docs builds."""

project = "riscv.k3s"
author = "The riscv.k3s developers"
html_title = "riscv.k3s"
html_short_title = "riscv.k3s"

extensions = ["sphinx_antsibull_ext", "myst_parser"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
# Links from one guide to a heading of another.
myst_heading_anchors = 4
highlight_language = "YAML+Jinja"
pygments_style = "ansible"

html_theme = "sphinx_ansible_theme"
html_show_sphinx = False
html_copy_source = False
html_use_index = False
# The pages build without a network, so they cannot ask where Ansible's own pages are: links to these become words.
intersphinx_mapping = {}
_OF_ANSIBLE = ("action_plugins", "callback_plugins", "common_return_values", "ansible_configuration_settings")


def _as_words(dummy_app, dummy_environment, node, words):
    target = node.get("reftarget", "")
    return words if target in _OF_ANSIBLE or target.startswith("ansible_collections.ansible.builtin.") else None


def setup(app):
    """Sphinx calls it."""
    app.connect("missing-reference", _as_words)
