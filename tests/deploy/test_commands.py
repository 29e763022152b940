"""Every command that README.md or a page of docs/ shows is run here or by a test that is named, or stands in the one table
of EXCEPTIONS with the reason and is checked as far as possible. A new one without either fails."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest
import yaml

from checks import aws_cli, shown
from checks import template as cloudformation
from harness import aws_documents, processes
from harness.cluster import CANARY, USERS
from harness.proxy import binary
from harness.waiting import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
SHOWN = [each for page in PAGES for each in shown.commands(ROOT, page)]

RUN = {}  # a command's text: the test that runs it


def runs(*commands):
    """The test runs these; it is given them by its parameter `commands`."""
    def mark(test):
        RUN.update(dict.fromkeys(commands, test.__name__))
        return pytest.mark.parametrize("commands", [commands], ids=["shown"])(test)
    return mark


# --- exceptions

def has_options(script):
    """That script or program knows each option of the command."""
    def check(command):
        text = (ROOT / script).read_text() if "/" in script else help_of(script)
        for word in shlex.split(command)[1:]:
            assert not word.startswith("-") or re.search(rf"(?<![\w-]){re.escape(word)}\b", text), (word, script)
    return check


def help_of(program):
    return subprocess.run([pathlib.Path(binary()).parent / program, "--help"], capture_output=True, text=True,
                          timeout=300).stdout


def a_mode_of_install_packages(command):
    assert re.search(rf"^  {command.split()[1]}\) want=", (ROOT / command.split()[0]).read_text(), re.MULTILINE)


def names_a_preset(command):
    presets = json.loads((ROOT / "CMakePresets.json").read_text())
    kind = "buildPresets" if "--build" in command else "configurePresets"
    assert command.split()[-1] in [preset["name"] for preset in presets[kind]]


def compares(command):
    done = subprocess.run([ROOT / "bench/compare.sh", "--plan", *shlex.split(command)[1:]], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0 and "storm-tls" in done.stdout, done.stdout + done.stderr


def names_the_unit(command):
    verbs = {"daemon-reload", "enable", "reload"}
    words = [word for word in shlex.split(command)[1:] if not word.startswith("-")]
    assert words[0] in verbs
    for unit in words[1:]:
        text = (ROOT / f"deploy/systemd/{unit}.service").read_text()
        assert words[0] != "reload" or re.search(r"(?m)^(ExecReload=|Type=notify-reload)", text)
        assert words[0] != "enable" or "[Install]" in text


def names_what_exists(command):
    """Files that docker reads, and tags that it was told before."""
    words = shlex.split(command)
    assert words[1] in ("build", "tag", "push", "login")
    if words[1] == "build":
        assert (ROOT / words[words.index("-f") + 1]).exists() and (ROOT / words[-1]).is_dir()
    if words[1] == "push":
        assert any(each.text.endswith(" " + words[2]) and each.text.startswith("docker tag ") for each in SHOWN)


def into_a_directory(command):
    words = shlex.split(command)
    assert (ROOT / words[words.index("-o") + 1]).parent.is_dir() and words[-1].startswith("https://")


EXCEPTIONS = {  # command: why it is not run here, and what is checked instead
    "tests/run.sh": ("it is what runs this", has_options("tests/run.sh")),
    "tests/run.sh --container": ("root and minutes; it runs tests/container", has_options("tests/run.sh")),
    "deploy/install-packages.sh build": ("root and a registry", a_mode_of_install_packages),
    "cmake --preset release": ("it has made what is tested here", names_a_preset),
    "cmake --build --preset release": ("it has made what is tested here", names_a_preset),
    "bench/compare.sh --cases storm-tls": ("minutes of load; its plan is made", compares),
    "systemctl daemon-reload": ("needs systemd as process 1", names_the_unit),
    "systemctl enable --now pgweir": ("needs systemd as process 1", names_the_unit),
    "systemctl reload pgweir": ("needs systemd as process 1", names_the_unit),
    "docker build -f deploy/Dockerfile -t pgweir .": ("a registry; tests/container builds the same by buildah",
                                                      names_what_exists),
    "docker login --username AWS --password-stdin ACCOUNT.dkr.ecr.REGION.amazonaws.com": ("AWS", names_what_exists),
    "docker tag pgweir ACCOUNT.dkr.ecr.REGION.amazonaws.com/pgweir:0.1.0": ("needs docker", names_what_exists),
    "docker push ACCOUNT.dkr.ecr.REGION.amazonaws.com/pgweir:0.1.0": ("AWS", names_what_exists),
    "curl -o deploy/container/ca/rds.pem https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem":
        ("AWS' own server", into_a_directory),
}

# Run by another test, which has these words.
ELSEWHERE = {
    "deploy/quickstart.sh": ("tests/integration/harness/quickstart.py", '"quickstart.sh"'),
    "deploy/quickstart.sh --once": ("tests/integration/test_quickstart.py", 'start("--once"'),
    "systemd-analyze security": ("tests/deploy/test_systemd.py", '["systemd-analyze", "security"'),
}

# Names of programs and of their parts, in a sentence.
MENTIONED = {"pgweir", "pgweir-bench", "psql", "pgweir check", "pgweir doctor", "pgweir-bench fleet", "bench/compare.sh",
             "deploy/container/build.sh"}


@pytest.mark.parametrize("each", SHOWN, ids=lambda each: f"{each.page} {each.text}"[:100])
def test_every_command_is_run_or_an_exception(each):
    command = each.text
    if command in EXCEPTIONS:
        _, check = EXCEPTIONS[command]
        check(command)
    elif command in ELSEWHERE:
        path, words = ELSEWHERE[command]
        assert words in (ROOT / path).read_text(), f"{path} does not run it any more"
    elif command.startswith("aws "):  # no AWS here
        assert aws_cli.problems(command) == []
    elif command in MENTIONED:
        mention = shlex.split(command)
        if "/" in mention[0]:
            assert os.access(ROOT / mention[0], os.X_OK)
        elif len(mention) > 1:
            assert f" {mention[1]} " in help_of(mention[0])
    else:
        assert command in RUN, f"{each.page} shows a command that no test runs: {command}"


@pytest.mark.parametrize("table", [EXCEPTIONS, ELSEWHERE, RUN, dict.fromkeys(MENTIONED)],
                         ids=["exceptions", "elsewhere", "run", "mentioned"])
def test_no_table_has_what_is_not_shown_any_more(table):
    assert set(table) - {each.text for each in SHOWN} == set()


# --- what the check of commands itself can do

def test_a_script_is_cut_as_a_shell_does():
    script = "a b  # why\nX=1 c 'd # | e' && f \\\n  -g | h \"$(i 'j | k' \"l\" | m)\"\n# none\n"
    assert shown.simple_commands(script) == ["a b", "X=1 c 'd # | e'", "f -g", "h \"$(i 'j | k' \"l\" | m)\""]


@pytest.mark.parametrize("command, problem", [
    ("aws rds describe-everything", "no such operation"), ("aws nothing describe-it", "no such operation"),
    ("aws rds describe-db-instances --db-name x", "no such option: --db-name"),
    ("aws secretsmanager restore-secret", "--secret-id is missing"),
    ("aws rds describe-db-instances --query 'DBInstances[].['", "--query"),
    ("aws rds wait db-instance-asleep", "no such operation"), ("aws", "no command")])
def test_a_wrong_command_of_aws_is_noticed(command, problem):
    assert problem in " ".join(aws_cli.problems(command))


# --- commands that the program itself tells

def told_by_the_doctor():
    """In its sources: string literals, put together where the compiler would."""
    for path in sorted([*(ROOT / "proxy/doctor").glob("*.cpp"), *(ROOT / "proxy/documents").glob("*.cpp")]):
        text = re.sub(r'"\s*\n\s*"', "", path.read_text())
        for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', text):
            for command in re.findall(r"\baws [a-z0-9-]+ (?:wait )?[a-z0-9-]+(?: --[a-z-]+(?: '[^']*'| [^-\s,;][^\s,;]*)?)*", literal):
                yield command


TOLD = sorted({command for command in told_by_the_doctor() if " rds-db" not in command})


def test_the_doctor_tells_commands():
    assert len(TOLD) > 30


@pytest.mark.parametrize("command", TOLD)
def test_what_the_doctor_tells_exists(command):
    assert aws_cli.problems(command, complete=False) == []


def test_the_stack_is_given_what_its_template_asks_for():
    (command,) = [each.text for each in SHOWN if each.text.startswith("aws cloudformation deploy")]
    words = shlex.split(command)
    template = cloudformation.load((ROOT / words[words.index("--template-file") + 1]).read_text())
    given = {word.partition("=")[0] for word in words[words.index("--parameter-overrides") + 1:]}
    required = {name for name, parameter in template["Parameters"].items() if "Default" not in parameter}
    assert required <= given <= set(template["Parameters"])


# --- running

def shell(command, directory, timeout=300, **env):
    path = f"{pathlib.Path(binary()).parent}:{os.environ['PATH']}"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "AWS_"))}
    return subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=directory, capture_output=True, text=True,
                          env={**clean, "PATH": path, "AWS_EC2_METADATA_DISABLED": "true", **env}, timeout=timeout,
                          stdin=subprocess.DEVNULL)


def said(command, directory, code=0, **env):
    done = shell(command, directory, **env)
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def used(cluster, certificates, tmp_path):
    """The first configuration of its page in front of a server of ours: (directory, how to change a command for it)."""
    port, admin = processes.free_port(), processes.free_port()
    text = next(content for content, _ in shown.blocks((ROOT / "docs/configuration.md").read_text(), "yaml"))
    config = yaml.safe_load(text)
    assert config["databases"]["app"].pop("host") == "mydb.example.internal"
    assert config["databases"]["app"].pop("tls") == {"ca_file": "ca.pem"}
    config["databases"]["app"] |= {"host": cluster.host, "port": cluster.port}
    config |= {"listen": {"port": port}, "admin": {"port": admin, "console_users": ["operator"]}}
    config["users"]["operator"] = {"password": f"{CANARY}-operator"}
    config["databases"]["app"]["users"] = ["app_user"]
    (tmp_path / "pgweir.yaml").write_text(yaml.safe_dump(config))
    if not cluster.execute("select 1 from pg_roles where rolname = 'app_user'"):
        cluster.execute(f"create role app_user login password '{USERS['app']}'")

    def changed(command):
        for theirs, ours in (("6432", str(port)), ("APP_PASSWORD=...", f"APP_PASSWORD={USERS['app']}"), ("HOST", "127.0.0.1"),
                             ("CONFIG", "pgweir.yaml"), ("FILE", "pgweir.yaml"), ("[", ""), ("]", "")):
            command = command.replace(theirs, ours)
        return command

    return tmp_path, changed


@runs("APP_PASSWORD=... pgweir check pgweir.yaml", "APP_PASSWORD=... pgweir serve pgweir.yaml",
      "psql -h 127.0.0.1 -p 6432 -U app_user app", "pgweir serve CONFIG", "pgweir check CONFIG", "pgweir check FILE",
      "pgweir healthcheck CONFIG [--ready]", "psql -h HOST -p 6432 -U operator pgweir", "pgweir check pgweir.yaml --tasks 2 --connect")
def test_the_use_of_the_configuration(used, commands):
    directory, changed = used
    check, serve, psql, serve_too, check_too, check_file, health, console, budget = map(changed, commands)
    assert serve.endswith(serve_too)
    with_secret = {"APP_PASSWORD": USERS["app"]}
    for command in (check, check_too, check_file, budget):
        said(command, directory, **with_secret)
    with open(directory / "log", "wb") as log:
        server = subprocess.Popen(["bash", "-c", serve.replace(" pgweir ", f" exec {binary()} ", 1)], cwd=directory, stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log)
    try:
        until(lambda: shell(health, directory, **with_secret).returncode == 0, "it is healthy")
        assert said(f"{psql} -At -c 'select current_user'", directory, PGPASSWORD=USERS["app"]) == "app_user\n"
        assert "app_user" in said(f"{console} -At -c 'show pools'", directory, PGPASSWORD=f"{CANARY}-operator")
    finally:
        server.terminate()
        server.wait(30)
    assert server.returncode == 0, (directory / "log").read_text()


@runs("pgweir explain-pin SQL", "pgweir version", 'pgweir explain-pin "SQL"', "pgweir explain-pin 'SQL'",
      "pgweir explain-pin 'CREATE TEMP TABLE t (a int)'", "pgweir-bench fleet --help", "pgweir-bench burst --help")
def test_commands_that_need_nothing(tmp_path, commands):
    for command in commands:
        said(command.replace("'SQL'", "SQL").replace('"SQL"', "SQL").replace("SQL", "'SELECT 1'"), tmp_path)
    assert "temporary" in said(commands[4], tmp_path)


@runs("pgweir doctor pgweir.yaml", "pgweir doctor --print-collect", "pgweir doctor --from DIR",
      "pgweir doctor pgweir.yaml --from DIR", "pgweir doctor [CONFIG] [--from DIR]")
def test_the_doctor(used, commands):
    directory, changed = used
    (directory / "DIR").mkdir()
    for name, document in aws_documents.healthy().items():
        (directory / f"DIR/{name}.json").write_text(json.dumps(document))
    live, collect, static, both, usage = map(changed, commands)
    assert changed(usage) == both
    env = {"APP_PASSWORD": USERS["app"]}
    assert "L20  ok" in said(live, directory, **env)
    assert "S03  ok" in said(static, directory)
    output = shell(both, directory, **env).stdout
    assert "L20  ok" in output and "S03  ok" in output and "S06  problem" in output, "our server has another port"
    lines = [line for line in said(collect, directory).splitlines() if line.startswith("aws ")]
    assert len(lines) > 15
    for line in lines:
        command, _, target = line.partition(" > ")
        assert aws_cli.problems(command) == [] and target.startswith("DIR/") and target.endswith(".json")


def fleet_command():
    (command,) = [each.text for each in SHOWN if " --watch " in each.text]
    return command


@runs(fleet_command())
def test_the_fleet(used, cluster, commands):
    directory, changed = used
    command = commands[0].replace("db.internal:5432", f"127.0.0.1:{cluster.port}").replace("pgweir=127.0.0.1:6432",
                                                                                          f"other=127.0.0.1:{cluster.port}")
    superuser = "host=127.0.0.1 port={} user=postgres dbname=postgres password={}".format(cluster.port, f"{CANARY}-super")
    command = command.replace("host=db.internal user=postgres dbname=postgres", superuser)
    command = command.replace("PGPASSWORD=...", f"PGPASSWORD={USERS['app']}")
    command = command.replace("--environments 500 --burst 100", "--environments 5 --burst 5 --duration 1")
    said(command, directory)
    assert "<html" in (directory / "fleet.html").read_text()


@runs("install -m 755 build/release/pgweir /usr/bin/pgweir", "install -D -m 644 pgweir.yaml /etc/pgweir/pgweir.yaml",
      "install -m 644 deploy/systemd/pgweir.service /etc/systemd/system/")
def test_what_is_installed_is_what_the_unit_names(tmp_path, commands):
    place, source = tmp_path / "place", tmp_path / "source"
    for directory in (place / "usr/bin", place / "etc/systemd/system", source / "build/release"):
        directory.mkdir(parents=True)
    (source / "build/release/pgweir").symlink_to(binary())
    (source / "deploy").symlink_to(ROOT / "deploy")
    (source / "pgweir.yaml").write_text("databases: {app: {host: 127.0.0.1}}\nusers: {app: {password: x}}\n")
    for command in commands:
        said(re.sub(r" /(usr|etc)/", rf" {place}/\1/", command), source)
    unit = (place / "etc/systemd/system/pgweir.service").read_text()
    start = re.search(r"(?m)^ExecStart=(\S+) serve (\S+)$", unit)
    assert os.access(f"{place}{start[1]}", os.X_OK) and pathlib.Path(f"{place}{start[2]}").exists()


def test_the_secret_of_the_certificate_has_the_keys_of_the_stack(tmp_path):
    (command,) = [each.text for each in SHOWN if "create-secret --name pgweir/tls" in each.text]
    for name in ("pgweir.pem", "pgweir.key"):
        (tmp_path / name).write_text(name)
    secret = json.loads(said(re.search(r"\$\((jq .*)\)", command)[1], tmp_path))
    template = (ROOT / "deploy/ecs/service-nlb.yaml").read_text()
    assert set(secret) == set(re.findall(r"\$\{TlsSecretArn\}:(\w+)::", template))


# --- configurations

def configurations():
    for page in PAGES:
        for content, _ in shown.blocks((ROOT / page).read_text(), "yaml"):
            yield page, content


@pytest.mark.parametrize("page, text", configurations())
def test_a_configuration_that_is_shown_is_valid(page, text, tmp_path, certificates):
    """What is a part of one is completed by what it does not say."""
    config = yaml.safe_load(text)
    whole = {"databases": {"app": {"host": "db.example", "tls": {"ca_file": "ca.pem"}}},
             "users": {"app_user": {"password_env": "APP_PASSWORD"}},
             "listen": {"tls": {"mode": "require", "cert_file": "server.pem", "key_file": "server.key"}}} | config
    for name in ("ca.pem", "global-bundle.pem"):
        shutil.copy(certificates.ca.cert, tmp_path / name)
    shutil.copy(certificates.server.cert, tmp_path / "server.pem")
    shutil.copy(certificates.server.key, tmp_path / "server.key")
    (tmp_path / "pgweir.yaml").write_text(yaml.safe_dump(whole))
    done = shell("pgweir check pgweir.yaml", tmp_path, APP_PASSWORD="x")
    assert done.returncode == 0, done.stdout + done.stderr


def table_keys():
    """Of the tables of settings: paths, with NAME and KEY for what has any name."""
    table = (ROOT / "docs/configuration.md").read_text().split("\n## Settings\n")[1].split("\n\n## ")[0]
    for first in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        yield from re.findall(r"`([^`]+)`", first)


# Of the rules of `access`, which have a section of their own, and of `aws.endpoints`, which is one line.
IN_A_ROW = {"allow", "networks", "sts", "secretsmanager", "ssm", "container", "imds"}


def test_the_table_has_every_key_that_is_read():
    sources = [*(ROOT / "config").glob("*.cpp"), ROOT / "config/keys.hpp"]
    read = {name for path in sources if path.name not in ("diff.cpp", "words.cpp")
            for name in re.findall(r'[(,]\s*"([a-z_]+)",\s', path.read_text())}
    listed = {part for key in table_keys() for part in key.split(".")}
    assert len(read) > 60 and read - listed == IN_A_ROW


def example_keys():
    """Of the example, what is commented out included."""
    path = []
    for line in (ROOT / "deploy/pgweir.example.yaml").read_text().splitlines():
        found = re.match(r"(#? *)(# )?(\w+):(.*)", line)
        if not found or line.startswith(("# Every", "# Dur", "# `")):
            continue
        indent = len(found[1].replace("#", "")) - (1 if line.startswith("#") else 0)
        path = path[:indent // 2] + [found[3]]
        value = found[4].split("#")[0].strip()
        if value.startswith("{") and ":" in value:
            path.append(re.match(r"\{(\w+)", value)[1])
        if value:
            yield ".".join(path)


def test_the_table_has_the_keys_of_the_example():
    def general(key):
        return re.sub(r"^(databases|users)\.\w+", r"\1.NAME", key)
    ours = {general(key) for key in example_keys()}
    listed = set(table_keys()) - {"databases.NAME"}
    assert ours - listed - {"aws.endpoints"} == set()
    assert listed - ours - {"aws.endpoints.KEY", "access"} == set()
