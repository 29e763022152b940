import pathlib
import re
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import proxy as proxies  # noqa: E402
from harness.certificates import Certificates  # noqa: E402
from harness.cluster import DATABASES, Cluster  # noqa: E402
from harness.watcher import Watcher  # noqa: E402
from proof.pipeline_script import setup  # noqa: E402


def pytest_configure(config):
    # Told to end, still stop what was started and remove what was written.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", 143))
    config.addinivalue_line("markers", "pooled: needs a pooler; skipped when run directly against PostgreSQL")
    config.addinivalue_line("markers", "own: needs pgweir itself (its configuration, log, metrics or signals)")


def pytest_collection_modifyitems(items):
    for item in items:
        if proxies.DIRECT and (item.get_closest_marker("pooled") or item.get_closest_marker("own")):
            item.add_marker(pytest.mark.skip(reason="needs a pooler"))
        if proxies.PGBOUNCER and item.get_closest_marker("own"):
            item.add_marker(pytest.mark.skip(reason="needs pgweir"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    setattr(item, f"report_{report.when}", report)
    if report.failed:
        for endpoint in getattr(item, "endpoints", []):
            report.sections.append((f"log of {endpoint.kind}", endpoint.log_text()[-12000:]))


@pytest.fixture(scope="session")
def cluster():
    """One PostgreSQL for the whole file."""
    server = Cluster()
    yield server
    server.remove()


@pytest.fixture
def own_cluster():
    """A PostgreSQL that the test may stop and start."""
    server = Cluster()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def certificates():
    made = Certificates()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def direct(cluster):
    return proxies.Direct(cluster)


def temporary_directory():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="pgweir-test-"))
    directory.chmod(0o755)  # PgBouncer runs as another user
    return directory


def make_endpoint(cluster, directory, **options):
    if proxies.DIRECT:
        return proxies.Direct(cluster)
    kind = proxies.Pgbouncer if proxies.PGBOUNCER else proxies.Pgweir
    return kind(cluster, directory, **options)


def keep_logs(item, directory):
    """A failed test leaves its configuration and logs beside the build."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", item.nodeid.split("/")[-1])[:120]
    target = pathlib.Path(proxies.binary()).parent / "test-logs" / name
    if target.parent.parent.is_dir():
        shutil.copytree(directory, target, dirs_exist_ok=True)


@pytest.fixture
def start(request, cluster):
    """Factory: start(max_size=1, changes={...}) gives a running proxy, stopped and checked after the test."""
    directory = temporary_directory()
    request.node.endpoints = []

    def factory(cluster=cluster, wait_ready=True, **options):
        home = directory / str(len(request.node.endpoints))
        home.mkdir(mode=0o755)
        endpoint = make_endpoint(cluster, home, **options)
        request.node.endpoints.append(endpoint)
        return endpoint if proxies.DIRECT else endpoint.start(wait_ready)

    yield factory
    try:
        problems = []
        for endpoint in request.node.endpoints:
            try:
                endpoint.stop()
            except AssertionError as problem:
                problems.append(problem)
        if problems:
            raise problems[0]
    finally:
        report = getattr(request.node, "report_call", None)
        if sys.exc_info()[0] or report is None or report.failed:
            keep_logs(request.node, directory)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def shared(request, cluster):
    """Factory of proxies that live for the whole module: shared('one', max_size=1)."""
    directory = temporary_directory()
    running = {}

    def factory(key, **options):
        endpoint = running.get(key)
        if endpoint is None or getattr(endpoint, "process", None) and endpoint.process.poll() is not None:
            home = directory / f"{key}-{len(list(directory.iterdir()))}"
            home.mkdir(mode=0o755)
            endpoint = make_endpoint(cluster, home, **options)
            if not proxies.DIRECT:
                endpoint.start()
            running[key] = endpoint
        return endpoint

    yield factory
    try:
        for endpoint in running.values():
            endpoint.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def watch(cluster):
    """Factory: `with watch() as seen:` ... seen.maximum."""
    return lambda users=("app",), databases=("app",): Watcher(cluster, users, databases)


@pytest.fixture
def admin(cluster):
    """A direct superuser connection to the database `app`, in autocommit."""
    connection = cluster.connect(DATABASES[0])
    yield connection
    connection.close()


@pytest.fixture
def pipe_rows(admin):
    """The table of a pipeline_script.Script."""
    with admin.cursor() as cursor:
        cursor.execute(setup("pipe_rows"))
        yield "pipe_rows"
        cursor.execute("drop table pipe_rows")
