"""S and C: what may come before and during the login. Directly where PostgreSQL is the measure, and through pgweir."""

import struct

import pytest

from harness import messages as m
from harness.cluster import USERS
from harness.proxy import DIRECT, Direct
from harness.scram import ScramClient
from harness.waiting import seconds
from harness.wire import EOF, LoginFailed

WHO = [("user", "app"), ("database", "app")]
HOWS = ["whole", "bytes"]


@pytest.fixture(params=["direct"] + ([] if DIRECT else ["proxy"]))
def endpoint(request, cluster, shared):
    if request.param == "direct":
        return Direct(cluster)
    return shared("login", max_size=2)


@pytest.fixture
def proxy(shared):
    return shared("login", max_size=2)


def heard(messages):
    return " ".join(str(message) for message in messages)


def outcome(endpoint, packet, password=USERS["app"], how="whole", user="app"):
    """Sends a startup packet, logs in, and returns the connection and what was heard before the login."""
    wire = endpoint.socket()
    wire.send(packet, how)
    wire.authenticate(user, password, how)
    return wire


def refused(endpoint, packet, password=USERS["app"], user="app", how="whole"):
    with pytest.raises(LoginFailed) as failure:
        outcome(endpoint, packet, password, how, user)
    return failure.value.answer


@pytest.mark.parametrize("how", HOWS)
def test_C01_a_login(endpoint, how):
    with outcome(endpoint, m.startup(WHO), how=how) as wire:
        kinds = [message.kind for message in wire.heard]
        assert kinds[:4] == ["R", "R", "R", "R"], "AuthenticationSASL, Continue, Final, Ok"
        assert kinds[-2:] == ["K", "Z"] and set(kinds[4:-2]) == {"S"}
        assert str(wire.heard[-1]) == "Z(I)"
        assert len(wire.secret) == 4
        assert wire.value("select current_user") == "app"


def test_F4_the_parameters_reported_at_login_are_the_servers(endpoint, cluster):
    with Direct(cluster).wire(params=[("application_name", "x")]) as direct:
        with endpoint.wire(params=[("application_name", "x")]) as wire:
            assert wire.parameters == direct.parameters
            assert len([x for x in wire.heard if x.kind == "S"]) == len(wire.parameters), "each of them once"


def test_startup_parameters_are_reported_as_given(endpoint):
    given = [("application_name", "a 'quoted' \\ name"), ("TimeZone", "Asia/Tokyo"), ("DateStyle", "German"),
             ("client_encoding", "latin1"), ("IntervalStyle", "iso_8601"), ("standard_conforming_strings", "off")]
    with endpoint.wire(params=given) as wire:
        assert wire.parameters["application_name"] == "a 'quoted' \\ name"
        assert wire.parameters["TimeZone"] == "Asia/Tokyo"
        assert wire.parameters["DateStyle"] == "German, DMY"
        assert wire.parameters["client_encoding"] == "LATIN1"
        assert wire.parameters["IntervalStyle"] == "iso_8601"
        assert wire.parameters["standard_conforming_strings"] == "off"
        assert wire.value("show timezone") == "Asia/Tokyo"
        assert wire.value("show datestyle") == "German, DMY"


def test_S01_ssl_and_gss_requests_are_answered_no(endpoint):
    with endpoint.socket() as wire:
        wire.send(m.GSSENC_REQUEST)
        if wire.read_exactly(1) == b"G" and endpoint.kind == "direct":
            return  # a server built with GSSAPI would go on with a ticket
        wire.send(m.SSL_REQUEST)
        assert wire.read_exactly(1) == b"N"
        wire.login("app", "app", USERS["app"])
        assert wire.value("select 1") == "1"


def test_S02_ssl_first_then_gss(endpoint):
    with endpoint.socket() as wire:
        wire.send(m.SSL_REQUEST, "bytes")
        assert wire.read_exactly(1) == b"N"
        wire.send(m.GSSENC_REQUEST, "bytes")
        if wire.read_exactly(1) == b"G" and endpoint.kind == "direct":
            return
        wire.login("app", "app", USERS["app"])
        assert wire.value("select 1") == "1"


def test_S03_bytes_behind_an_ssl_request_are_not_obeyed(endpoint):
    """CVE-2021-23214: what came in plain text before TLS must not count as said inside it. With TLS refused
    PostgreSQL goes on in plain text; a refusal is as good."""
    with endpoint.socket() as wire:
        wire.send(m.SSL_REQUEST + m.startup(WHO))
        try:
            first = wire.read_exactly(1)
        except EOFError:
            return
        assert first in (b"N", b"E")


@pytest.mark.own
def test_S04_requests_for_encryption_do_not_repeat_for_ever(proxy):
    with proxy.socket() as wire:
        answers = 0
        try:
            for _ in range(100):
                wire.send(m.SSL_REQUEST)
                if wire.read_exactly(1) != b"N":
                    return
                answers += 1
        except (EOFError, ConnectionError):
            pass
        assert answers <= 2


def test_S06_protocol_3_2(endpoint, cluster):
    """PostgreSQL 18 grants 3.2 and gives long keys; older ones negotiate down. pgweir speaks 3.2 whatever the
    server does."""
    with endpoint.wire(minor=2) as wire:
        if endpoint.kind == "direct" and cluster.version() < 18:
            assert str(wire.heard[0]) == "v(3.0)"
            assert len(wire.secret) == 4
        else:
            assert all(message.kind != "v" for message in wire.heard)
            assert 4 < len(wire.secret) <= 256
        assert wire.value("select 1") == "1"


def test_S07_a_version_of_the_future_and_an_unknown_option(endpoint, cluster):
    packet = m.startup(WHO + [("_pq_.something", "1")], minor=9999)
    with outcome(endpoint, packet) as wire:
        newest = "3.2" if endpoint.kind != "direct" or cluster.version() >= 18 else "3.0"
        assert str(wire.heard[0]) == f"v({newest},_pq_.something)"
        assert wire.value("select 1") == "1"


@pytest.mark.parametrize("major", [2, 4, 1, 0x7FFF])
def test_S08_S09_other_major_versions(endpoint, major):
    """To a client older than 3.0 PostgreSQL writes an error in the format of its time: E, text, NUL."""
    with endpoint.socket() as wire:
        wire.send(m.startup(WHO, major=major))
        assert wire.read_exactly(1) == b"E"
        with pytest.raises(EOFError):
            wire.read_exactly(1000)
        assert b"unsupported frontend protocol" in wire.raw


def test_S10_no_user(endpoint):
    answer = refused(endpoint, m.startup([("database", "app")]))
    assert str(answer) == "E(FATAL 28000)"


@pytest.mark.parametrize("name, packet", [
    ("S11 a length of zero", struct.pack("!i", 0)),
    ("S12 a length of 7", struct.pack("!i", 7) + b"abc"),
    ("S13 a length of 2^31-1", struct.pack("!i", 0x7FFFFFFF) + b"\0\3\0\0"),
    ("S14 a negative length", struct.pack("!i", -5) + b"\0\3\0\0"),
    ("S15 one more than the longest", struct.pack("!i", 10005) + b"\0\3\0\0"),
    ("S21 a TLS ClientHello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64)),
    ("S22 an HTTP request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
])
def test_a_broken_startup_packet_is_closed_at_once(endpoint, name, packet):
    with endpoint.socket(timeout=2) as wire:
        wire.send(packet)
        answer = wire.receive()
        assert answer is EOF or answer.kind == "E", name
        wire.until_eof() if answer is not EOF else None


def test_S16_no_terminator(endpoint):
    answer = refused(endpoint, m.startup(WHO, terminator=b""))
    assert str(answer) == "E(FATAL 08P01)"


def test_S17_a_parameter_that_comes_twice(endpoint):
    """PostgreSQL takes the last; a proxy that authorises one and forwards another is bypassed, so pgweir
    refuses."""
    packet = m.startup([("user", "app"), ("user", "app2"), ("database", "app")])
    if endpoint.kind == "direct":
        with outcome(endpoint, packet, USERS["app2"], user="app2") as wire:
            assert wire.value("select current_user") == "app2"
    else:
        assert refused(endpoint, packet).kind == "E"


@pytest.mark.parametrize("name, params, codes", [
    ("S18 a parameter nobody knows", [("no_such_thing", "1")], ["42704"]),
    ("S19 one that only the superuser may set", [("log_statement", "all")], ["42501"]),
    ("S20 a value that is not valid", [("work_mem", "many")], ["22023"]),
    ("options with the same", [("options", "-c no_such_thing=1")], ["42704"]),
])
def test_startup_parameters_that_the_server_refuses(endpoint, name, params, codes):
    """Directly the login fails. Through the pool the client may learn it with its login or with its first
    statement, but it learns it, with the server's own code, and nobody else is harmed."""
    try:
        with endpoint.wire(params=params) as wire:
            wire.send(m.Q("select 1"))
            answer = wire.until_ready()[0]
    except LoginFailed as failure:
        answer = failure.answer
    assert answer.kind == "E" and answer.sqlstate in codes, f"{answer}"
    with endpoint.wire() as other:
        assert other.value("select 1") == "1"


def test_S24_no_database_means_the_user_name(endpoint):
    with outcome(endpoint, m.startup([("user", "app")])) as wire:
        assert wire.value("select current_database()") == "app"


@pytest.mark.parametrize("length", [63, 64, 1000, 4900])
def test_N7_long_names(endpoint, length):
    """CVE-2012-4575: a long database name ended the whole pooler. The names are nobody's, so each is refused."""
    name = "n" * length
    for user, database in ((name, "app"), ("app", name), (name, name)):
        answer = refused(endpoint, m.startup([("user", user), ("database", database)]), USERS["app"], user)
        assert answer.kind == "E" and answer.sqlstate in ("28P01", "28000", "3D000"), answer
    with endpoint.wire() as other:
        assert other.value("select 1") == "1"


def test_a_custom_parameter_at_startup(endpoint):
    with endpoint.wire(params=[("my.tenant", "t 'x'")]) as wire:
        assert wire.value("show my.tenant") == "t 'x'"


@pytest.mark.parametrize("options, name, value", [
    ("-c work_mem=5MB", "work_mem", "5MB"),
    ("-cwork_mem=6MB", "work_mem", "6MB"),
    ("--work-mem=7MB", "work_mem", "7MB"),
    ("-c my.tenant=a\\ b\\\\c -c work_mem=8MB", "my.tenant", "a b\\c"),
    (" -c  geqo=off   -c work_mem=1MB -c work_mem=9MB ", "work_mem", "9MB"),
    ("-c my.tenant=x", "my.tenant", "x"),
])
def test_N3_options(endpoint, options, name, value):
    with endpoint.wire(params=[("options", options)]) as wire:
        assert wire.value(f"show {name}") == value
    with endpoint.wire() as other:
        if name == "work_mem":
            assert other.value("show work_mem") == "4MB"


def test_N3_options_of_any_length(endpoint):
    with endpoint.wire(params=[("options", "-c my.tenant=" + "x" * 9000)]) as wire:
        assert wire.value("select length(current_setting('my.tenant'))") == "9000"


def test_S23_S25_unknown_user_and_wrong_password_say_the_same(endpoint):
    unknown = refused(endpoint, m.startup([("user", "nobody_here"), ("database", "app")]), "x", "nobody_here")
    wrong = refused(endpoint, m.startup(WHO), "wrong")
    assert str(unknown) == str(wrong) == "E(FATAL 28P01)"
    assert unknown.text.replace("nobody_here", "app") == wrong.text


@pytest.mark.own
def test_M5_unknown_user_and_wrong_password_take_the_same_steps(proxy):
    def steps(user, password, database="app"):
        wire = proxy.socket()
        wire.send(m.startup([("user", user), ("database", database)]))
        with pytest.raises(LoginFailed):
            wire.authenticate(user, password)
        shapes = []
        for message in wire.heard:
            body = message.body.replace(user.encode(), b"?")
            if str(message) == "R(11)":
                fields = dict(part.split(b"=", 1) for part in body[4:].split(b","))
                body = b"%d %d " % (len(fields[b"r"]) - 24, len(fields[b"s"])) + fields[b"i"]
            shapes.append((str(message), body))
        wire.close()
        return shapes

    assert steps("nobody_here", "x") == steps("app", "x")
    assert steps("nobody_here", "x", "nowhere") == steps("app", "x"), "an unknown database is told after the login"


@pytest.mark.own
def test_M5_the_salt_of_an_unknown_user_is_stable(proxy):
    def salt(user):
        with proxy.socket() as wire:
            first = ScramClient("x").first()
            wire.send(m.startup([("user", user), ("database", "app")]))
            assert str(wire.receive()) == "R(10)"
            wire.send(m.p(m.cstr("SCRAM-SHA-256") + struct.pack("!i", len(first)) + first))
            answer = wire.receive()
            return dict(part.split("=", 1) for part in answer.body[4:].decode().split(","))["s"]

    assert salt("nobody_here") == salt("nobody_here") != salt("somebody_else")


def test_an_unknown_database(endpoint):
    answer = refused(endpoint, m.startup([("user", "app"), ("database", "nowhere")]))
    assert str(answer) == "E(FATAL 3D000)"


@pytest.mark.own
def test_M6_a_warm_pool_does_not_let_wrong_passwords_in(proxy):
    with proxy.wire() as warm:
        assert warm.value("select 1") == "1"
        for _ in range(50):
            assert str(refused(proxy, m.startup(WHO), "wrong")) == "E(FATAL 28P01)"


@pytest.mark.own
def test_a_user_of_another_database_is_refused(proxy):
    answer = refused(proxy, m.startup([("user", "app2"), ("database", "other")]), USERS["app2"], "app2")
    assert answer.kind == "E"


def test_S26_S28_cancel_requests_with_wrong_keys_are_closed_in_silence(endpoint):
    with endpoint.wire() as victim:
        for packet in (m.cancel_request(victim.pid, b"\0\0\0\0"), m.cancel_request(victim.pid ^ 1, victim.secret),
                       m.cancel_request(0, b"abcd"), m.cancel_request(victim.pid, b"", length=12),
                       m.cancel_request(victim.pid, b"abcdefgh"), m.cancel_request(victim.pid, b"x" * 256),
                       m.cancel_request(victim.pid, b"x" * 300)):
            with endpoint.socket() as wire:
                wire.send(packet)
                assert wire.receive() is EOF
        assert victim.value("select 1") == "1"


@pytest.mark.own
@pytest.mark.parametrize("value", ["true", "database", "1"])
def test_S29_S30_replication_is_refused_or_works(proxy, value):
    packet = m.startup(WHO + [("replication", value)])
    assert str(refused(proxy, packet)) == "E(FATAL 0A000)"


def test_S31_a_query_instead_of_a_password(endpoint):
    with endpoint.socket() as wire:
        wire.send(m.startup(WHO))
        assert str(wire.receive()) == "R(10)"
        wire.send(m.Q("select 1"))
        assert heard(wire.until_eof()) == "E(FATAL 08P01) EOF"


def test_S34_what_is_sent_before_the_login_is_over_is_not_run(endpoint, admin):
    with admin.cursor() as cursor:
        cursor.execute("create table early (id int); grant all on early to public")
    try:
        with endpoint.socket() as wire:
            wire.send(m.startup(WHO) + m.Q("insert into early values (1)"))
            answer = wire.until_eof()
            assert [message.kind for message in answer] == ["R", "E", "EOF"]
        with admin.cursor() as cursor:
            cursor.execute("select count(*) from early")
            assert cursor.fetchone() == (0,)
    finally:
        with admin.cursor() as cursor:
            cursor.execute("drop table early")


def test_S35_connect_and_close_without_a_byte(endpoint):
    for _ in range(20):
        endpoint.socket().close()
        endpoint.socket().abort()
    with endpoint.wire() as wire:
        assert wire.value("select 1") == "1"


def test_S36_a_client_that_leaves_at_every_byte_of_its_login(endpoint):
    packet = m.startup(WHO)
    for length in range(1, len(packet) + 1):
        wire = endpoint.socket()
        wire.send(packet[:length])
        wire.abort()
    with endpoint.wire() as wire:
        assert wire.value("select 1") == "1"


def scram_exchange(endpoint, mechanism="SCRAM-SHA-256", first=None, final=None, gs2="n,,", nonce=None):
    """Plays a SCRAM login with chosen pieces; returns the answer to the manipulated one.

    `first` and `final` make the client's messages; a list holds a whole SASLInitialResponse body."""
    client = ScramClient(USERS["app"], gs2=gs2, nonce=nonce)
    with endpoint.socket() as wire:
        wire.send(m.startup(WHO))
        assert str(wire.receive()) == "R(10)"
        data = client.first() if first is None else first(client)
        wire.send(m.p(data[0] if isinstance(data, list) else m.cstr(mechanism) + struct.pack("!i", len(data)) + data))
        answer = wire.receive()
        if answer.kind != "R" or final is None:
            return answer
        wire.send(m.p(final(client, answer.body[4:])))
        return wire.receive()


SCRAM = [
    ("C02 no final proof", dict(final=lambda c, s: c.final(s, proof=False)), "08P01"),
    ("C03 gs2 says that the server has no binding (y)", dict(gs2="y,,", final=lambda c, s: c.final(s)), None),
    ("C04 gs2 asks for a binding without TLS", dict(gs2="p=tls-server-end-point,,"), "08P01"),
    ("C05 an unknown gs2 flag", dict(gs2="z,,"), "08P01"),
    ("C06 an authorisation name", dict(gs2="n,a=other,"), "0A000"),
    ("C07 an unknown mechanism", dict(mechanism="SCRAM-SHA-1"), "08P01"),
    ("C08 a nonce of 500 bytes", dict(nonce="n" * 500, final=lambda c, s: c.final(s)), None),
    ("C09 another nonce in the final message", dict(final=lambda c, s: c.final(s, nonce="x" * 42)), "08P01"),
    ("C10 another channel binding in the final message",
     dict(final=lambda c, s: c.final(s, channel="eSws")), "08P01"),
    ("C11 a first message without a nonce", dict(first=lambda c: b"n,,n="), "08P01"),
    ("an empty first message", dict(first=lambda c: b""), "08P01"),
    ("a mandatory extension", dict(first=lambda c: b"n,,m=x,n=,r=abc"), "0A000"),
    ("a first message that is longer than it says", dict(first=lambda c: [m.cstr("SCRAM-SHA-256") +
                                                                        struct.pack("!i", 3) + b"n,,n=,r=abc"]), "08P01"),
    ("a first message that is shorter than it says", dict(first=lambda c: [m.cstr("SCRAM-SHA-256") +
                                                                         struct.pack("!i", 300) + b"n,,n=,r=abc"]),
     "08P01"),
    ("a nonce with a byte that is not printable", dict(first=lambda c: b"n,,n=,r=ab\x01"), "08P01"),
    ("a proof that is not base64",
     dict(final=lambda c, s: c.final(s).rsplit(b",p=", 1)[0] + b",p=!!!!"), "08P01"),
    ("a proof cut short",
     dict(final=lambda c, s: c.final(s).rsplit(b",p=", 1)[0] + b",p=YWJj"), "08P01"),
    ("a final message that is empty", dict(final=lambda c, s: b""), "08P01"),
    ("a proof of nothing but zeros", dict(final=lambda c, s: c.final(s).rsplit(b",p=", 1)[0] + b",p=" +
                                          b"A" * 43 + b"="), "28P01"),
]


@pytest.mark.parametrize("name, how, code", SCRAM, ids=[row[0].replace(" ", "-") for row in SCRAM])
def test_scram_misuse(endpoint, name, how, code):
    answer = scram_exchange(endpoint, **how)
    if code is None:
        assert answer.kind == "R" and str(answer) == "R(12)"
    else:
        assert str(answer) == f"E(FATAL {code})", answer.text


def test_M12_a_long_password_message(endpoint):
    """Tokens of cloud services are passwords of one or two kilobytes."""
    answer = refused(endpoint, m.startup(WHO), "t" * 4096)
    assert str(answer) == "E(FATAL 28P01)"


@pytest.mark.own
def test_md5_clients(start):
    proxy = start(max_size=1, changes={"listen": {"auth": "md5"}})
    with proxy.wire() as wire:
        assert str(wire.heard[0]) == "R(5)"
        assert wire.value("select current_user") == "app"
    unknown = refused(proxy, m.startup([("user", "nobody_here"), ("database", "app")]), "x", "nobody_here")
    wrong = refused(proxy, m.startup(WHO), "wrong")
    assert str(unknown) == str(wrong) == "E(FATAL 28P01)"


@pytest.mark.own
def test_trust_on_loopback(start):
    proxy = start(max_size=1, changes={"listen": {"auth": "trust"}})
    with proxy.wire(password="") as wire:
        assert str(wire.heard[0]) == "R(0)"
        assert wire.value("select current_user") == "app"
    assert refused(proxy, m.startup([("user", "nobody_here"), ("database", "app")]), user="nobody_here").kind == "E"


def test_an_md5_user_of_the_server(endpoint):
    with endpoint.wire("md5app") as wire:
        assert wire.value("select current_user") == "md5app"


@pytest.mark.own
def test_the_login_deadline_closes_half_open_clients(start):
    proxy = start(max_size=1, changes={"timeouts": {"client_login": f"{int(seconds(500))}ms"}})
    packet = m.startup(WHO)
    silent, dripping, unfinished = proxy.socket(), proxy.socket(), proxy.socket()
    dripping.send(packet[:5])
    unfinished.send(packet)
    assert str(unfinished.receive()) == "R(10)"
    for wire in (silent, dripping, unfinished):
        assert wire.until_eof()[-1] is EOF
        wire.close()


@pytest.mark.own
def test_a_login_deadline_that_passes_while_a_connection_is_waited_for_says_what_was_missing(start):
    """What the server reports for these settings is not known yet, and its only connection is taken."""
    proxy = start(max_size=1, changes={"timeouts": {"client_login": f"{int(seconds(500))}ms"}})
    with proxy.wire() as busy:
        busy.query("begin")
        with pytest.raises(LoginFailed) as failure:
            proxy.wire(params=[("TimeZone", "Asia/Tokyo")])
    assert str(failure.value.answer) == "E(FATAL 53300)" and "is in use" in failure.value.answer.text


@pytest.mark.own
def test_a_login_does_not_wait_for_a_backend(start):
    """The pool's only backend is busy; a login is answered from what the pool knows."""
    proxy = start(max_size=1)
    with proxy.wire() as busy:
        busy.query("begin")
        for _ in range(20):
            with proxy.wire() as other:
                assert other.parameters["server_encoding"] == "UTF8"
        busy.query("commit")
