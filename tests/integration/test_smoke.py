"""The shortest proof that the harness and the program work together."""


def test_one_query(start):
    with start(max_size=1).wire() as client:
        assert client.value("select 1") == "1"


def test_md5_user(start):
    with start(max_size=1).wire("md5app") as client:
        assert client.value("select current_user") == "md5app"
