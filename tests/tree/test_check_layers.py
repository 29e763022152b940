"""The check of the layers finds what it is there to find."""

import pytest

from check_layers import violations


@pytest.mark.parametrize("layer, line", [
    ("protocol", '#include "proxy/session.hpp"'), ("protocol", '#include "config/settings.hpp"'),
    ("protocol", "#include <boost/asio.hpp>"), ("protocol", "#include <openssl/ssl.h>"),
    ("protocol", "#include <sys/socket.h>"), ("protocol", "#include <iostream>"),
    ("protocol", "  #  include <spdlog/spdlog.h>"), ("config", '#include "protocol/bytes.hpp"'),
    ("config", "#include <boost/asio.hpp>"), ("bench", '#include "proxy/pool.hpp"'),
    ("bench", '#include "config/settings.hpp"'), ("proxy", '#include "bench/report.hpp"'),
    ("proxy", '#include "tests/unit/testing.hpp"'),
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
