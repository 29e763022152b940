"""The check of the layers finds what it is there to find."""

import pytest

from check_layers import ROOMS, check_house, declared_from_above, misplaced, rings, violations


@pytest.mark.parametrize("layer, line", [
    ("protocol", '#include "proxy/session.hpp"'), ("protocol", '#include "config/settings.hpp"'),
    ("protocol", "#include <boost/asio.hpp>"), ("protocol", "#include <openssl/ssl.h>"),
    ("protocol", "#include <sys/socket.h>"), ("protocol", "#include <iostream>"),
    ("protocol", "  #  include <spdlog/spdlog.h>"), ("config", '#include "protocol/bytes.hpp"'),
    ("config", "#include <boost/asio.hpp>"), ("bench", '#include "proxy/pool.hpp"'),
    ("bench", '#include "config/settings.hpp"'), ("proxy", '#include "bench/report.hpp"'),
    ("proxy", '#include "tests/unit/testing.hpp"'), ("proxy", "#include <proxy/session/session.hpp>"),
])
def test_forbidden(layer, line):
    assert list(violations(layer, f"#pragma once\n{line}\n"))


@pytest.mark.parametrize("layer, line", [
    ("protocol", "#include <vector>"), ("protocol", "#include <openssl/evp.h>"),
    ("protocol", '#include "protocol/bytes.hpp"'), ("config", "#include <yaml-cpp/yaml.h>"),
    ("proxy", '#include "protocol/scram.hpp"'), ("proxy", "#include <boost/asio.hpp>"),
    ("bench", '#include "bench/report.hpp"'), ("protocol", '// #include "proxy/session.hpp"'),
])
def test_allowed(layer, line):
    assert not list(violations(layer, f"{line}\n"))


@pytest.mark.parametrize("path, include", [
    ("pool/pool.cpp", "session/session.hpp"), ("state/pin_rules.hpp", "net/transport.hpp"),
    ("worker/worker.cpp", "process/services.hpp"), ("dashboard/page.cpp", "console/show.hpp"),
])
def test_a_room_that_looks_up(path, include):
    assert misplaced(path, f'#include "proxy/{include}"\n')


@pytest.mark.parametrize("path, include", [
    ("session/session.cpp", "pool/pool.hpp"), ("pool/pool.cpp", "pool/pool.hpp"), ("process/server.cpp", "base/log.hpp"),
])
def test_a_room_that_looks_down(path, include):
    assert not misplaced(path, f'#include "proxy/{include}"\n#include "protocol/bytes.hpp"\n')


def test_a_class_that_is_declared_from_above():
    files = {"session/session.hpp": "class Session final {\n};\n", "pool/pool.hpp": "class Pool {\n};\n"}
    assert list(declared_from_above({**files, "pool/list.hpp": "class Session;\n"}))
    assert not list(declared_from_above({**files, "session/list.hpp": "class Session;\nclass Pool;\nclass Other;\n"}))


@pytest.mark.parametrize("path", ["pool.cpp", "cellar/wine.hpp", "pool/deep/pool.hpp"])
def test_a_file_without_a_room(path):
    assert misplaced(path, "")


def test_each_room_uses_only_rooms_that_stand_below_it():
    names = list(ROOMS)
    assert all(names.index(other) < names.index(room) for room, others in ROOMS.items() for other in others.split())


def test_rings():
    assert rings({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == [["b", "c"]]
    assert not rings({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def house(tmp_path, **files):
    for name, text in files.items():
        room, unit, suffix = name.split("__")
        (tmp_path / "proxy" / room).mkdir(parents=True, exist_ok=True)
        (tmp_path / "proxy" / room / f"{unit}.{suffix}").write_text(text)
    return [line for line in check_house(tmp_path) if "is named as having no header" not in line]


def test_a_house_in_order(tmp_path):
    assert not house(tmp_path, base__log__hpp="", base__log__cpp='#include "proxy/base/log.hpp"\n')


def test_a_source_file_without_its_header(tmp_path):
    assert house(tmp_path, base__log__cpp="") == ["proxy/base/log.cpp: has no header of its name"]


def test_files_that_include_each_other(tmp_path):
    ring = house(tmp_path, base__a__hpp='#include "proxy/base/b.hpp"\n', base__b__hpp='#include "proxy/base/a.hpp"\n')
    assert ring == ["proxy/: these include each other in a ring: base/a, base/b"]
