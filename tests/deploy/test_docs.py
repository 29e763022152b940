"""README and the pages in docs/: links lead somewhere, every page is listed, README is short, blocks that say that they are
tested, are, and what it costs adds up. Commands are in test_commands.py."""

import os
import pathlib
import re
import subprocess
from xml.etree import ElementTree

import pytest

from harness import processes
from harness.cluster import USERS
from harness.proxy import binary

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "tests/README.md",
         *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))


def anchors(text):
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def dead_links(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if not re.match(r"[a-z]+:", target):
            name, _, anchor = target.partition("#")
            page = (path.parent / name).resolve() if name else path
            if not page.exists() or anchor and anchor not in anchors(page.read_text()):
                yield target


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(root, page):
    assert list(dead_links(root / page)) == []


def test_a_dead_link_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One\n[a](#one) [b](#two) [c](nowhere.md) [d](https://example.com)\n")
    assert list(dead_links(page)) == ["#two", "nowhere.md"]


def test_the_index_has_every_page(root):
    index = (root / "docs/README.md").read_text()
    listed = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", index)}
    assert {path.name for path in (root / "docs").glob("*.md")} - {"README.md"} - listed == set()


def test_the_readme_can_be_read_in_five_minutes(root):
    text = (root / "README.md").read_text()
    assert len(text.splitlines()) <= 160 and len(text.split()) <= 1300


@pytest.mark.parametrize("name", ["overview", "burst"])
def test_a_picture_is_a_picture_for_light_and_dark(root, name):
    picture = root / "docs/pictures" / f"{name}.svg"
    assert ElementTree.parse(picture).getroot().tag.endswith("}svg") and "prefers-color-scheme: dark" in picture.read_text()


def blocks(text):
    return re.findall(r"<!-- tested -->\n```sh\n(.*?)```", text, re.DOTALL)


def run(script, directory):
    path = f"{pathlib.Path(binary()).parent}:{os.environ['PATH']}"
    return subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=directory, capture_output=True, text=True,
                          env={**os.environ, "PATH": path}, timeout=300, stdin=subprocess.DEVNULL)


def test_the_certificate_of_the_page_is_one_that_functions_accept(root, tmp_path):
    (script,) = blocks((root / "docs" / "deploy-ecs.md").read_text())
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    check = ("openssl verify -CAfile pgweir-ca.pem -purpose sslserver -verify_hostname {} pgweir.pem; "
             "openssl pkey -in pgweir.key -noout")
    assert run(check.format("pgweir.internal.example"), tmp_path).returncode == 0
    assert run(check.format("elsewhere.example"), tmp_path).returncode != 0


def test_the_block_of_the_readme_works_when_it_is_pasted(root, cluster, tmp_path):
    """Given a login that works. The server, and what listens here, have other ports than usual."""
    (script,) = blocks((root / "README.md").read_text())
    port, admin = processes.free_port(), processes.free_port()
    for shown, ours in (("PGUSER=app_user PGPASSWORD=secret PGDATABASE=app\n",
                         f"PGUSER=app PGPASSWORD={USERS['app']} PGDATABASE=app\n"),
                        ("{host: 127.0.0.1}", f"{{host: {cluster.host}, port: {cluster.port}}}\n"
                                              f"listen: {{port: {port}}}\nadmin: {{port: {admin}}}"),
                        (" 6432 ", f" {port} "), ("$PWD/build/release:", "")):
        assert script.count(shown) == 1
        script = script.replace(shown, ours)
    done = run("trap 'kill $(jobs -p); wait' EXIT\n" + script, tmp_path)
    assert done.returncode == 0 and "Asia/Tokyo" in done.stdout, done.stdout + done.stderr


def test_what_the_operations_page_has_the_dashboard_say_it_says(root):
    section = (root / "docs/operations.md").read_text().split("## Which pool waits, and why\n")[1].split("\n## ")[0]
    said = [phrase for cell in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for phrase in re.findall(r"`([^`]+)`", cell)]
    source = (root / "proxy/dashboard/diagnosis.cpp").read_text()
    assert len(said) == 10 and [phrase for phrase in said if phrase not in source] == []


def test_the_costs_add_up(root):
    """Prices for an hour of a vCPU and of a GB, times 730 hours, two tasks."""
    prices = {"x86": (0.04048, 0.004445), "ARM": (0.03238, 0.00356)}
    rows = re.findall(r"^\| .*? \| \$([\d.]+) \| (.*?) \| \$([\d.]+) / \$([\d.]+) \| \$([\d.]+) / \$([\d.]+) \|$",
                      (root / "docs" / "deploy-ecs.md").read_text(), re.MULTILINE)
    assert len(rows) == 5
    size = None
    for proxy, task, *shown in rows:
        size = tuple(map(float, re.findall(r"[\d.]+", task))) or size
        for i, (cpu, memory) in enumerate(prices.values()):
            price = 2 * 730 * (size[0] * cpu + size[1] * memory)
            assert abs(price - float(shown[i])) < 0.02 and abs(price + 16.43 - float(shown[i + 2])) < 0.02
    assert [float(row[0]) for row in rows] == [pytest.approx(vcpu * 0.015 * 730) for vcpu in (2, 4, 8, 16, 32)]
