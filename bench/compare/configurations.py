"""Each system's configuration: one thread (or as many as asked), transaction pooling, the same pool, SCRAM on both
sides, no statistics or log lines per client. Each function writes its files and returns the command's arguments.

Those of PgDog and PgCat follow their documentation and have not been run.
"""

import resource

from . import processes

# Above the largest case, so that no system refuses anyone.
MAX_CLIENTS = 12000

# For each server connection, the same for all that have such a limit. No case needs more: the most are two texts in
# each of 50 schemas.
PREPARED_STATEMENTS = 500


def haproxy(place, system, tls):
    """Copies bytes: one connection to the server for each client. TLS passes through."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return ["-db", "-f", place.cluster.private_file(f"{system.key}.cfg", f"""
global
  nbthread {system.workers}
  maxconn {min(5000, descriptors // 2 - 100)}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen postgresql
  bind 127.0.0.1:{system.address[1]}
  server only 127.0.0.1:{place.cluster.port}
""")]


def pgbouncer(place, system, tls):
    # The server's own verifier: from a plain password it would derive new keys for every login, and that CPU time
    # says nothing about its transactions.
    users = place.cluster.private_file(f"{system.key}.users", f'"app" "{place.cluster.verifier()}"\n')
    secure = f"""
client_tls_sslmode = require
client_tls_cert_file = {place.cluster.certificate}
client_tls_key_file = {place.cluster.key}
""" if tls else ""
    prepared = f"max_prepared_statements = {PREPARED_STATEMENTS}" if "prepared" in system.capabilities else ""
    return [place.cluster.private_file(f"{system.key}.ini", f"""
[databases]
app = host=127.0.0.1 port={place.cluster.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {system.address[1]}
listen_backlog = 4096
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = {place.pool}
min_pool_size = {place.pool}
max_client_conn = {MAX_CLIENTS}
query_wait_timeout = 0
server_tls_sslmode = disable
server_check_delay = 30
log_connections = 0
log_disconnections = 0
log_stats = 0
{prepared}{secure}
""")]


def odyssey(place, system, tls):
    secure = f"""  tls "require"
  tls_cert_file "{place.cluster.certificate}"
  tls_key_file "{place.cluster.key}"
""" if tls else '  tls "disable"\n'
    return [place.cluster.private_file(f"{system.key}.conf", f"""
daemonize no
unix_socket_dir "{place.cluster.directory}"
unix_socket_mode "0600"
locks_dir "{place.cluster.directory}"
log_to_stdout yes
log_format "%p %t %l %m\\n"
log_config no
log_session no
log_query no
log_stats no
workers {system.workers}
resolvers 1
nodelay yes
client_max {MAX_CLIENTS}
listen {{
  host "127.0.0.1"
  port {system.address[1]}
  backlog 4096
{secure}}}
storage "server" {{
  type "remote"
  host "127.0.0.1"
  port {place.cluster.port}
  tls "disable"
}}
database "app" {{
  user "app" {{
    authentication "scram-sha-256"
    password "{place.cluster.verifier()}"
    storage "server"
    storage_user "app"
    storage_password "{place.cluster.password}"
    pool "transaction"
    pool_size {place.pool}
    min_pool_size {place.pool}
    pool_timeout 0
    pool_discard no
    pool_rollback yes
    pool_reserve_prepared_statement yes
    client_fwd_error yes
  }}
}}
""")]


def pgdog(place, system, tls):
    secure = f'tls_certificate = "{place.cluster.certificate}"\ntls_private_key = "{place.cluster.key}"' if tls else ""
    main = place.cluster.private_file(f"{system.key}.toml", f"""
[general]
host = "127.0.0.1"
port = {system.address[1]}
workers = {system.workers}
default_pool_size = {place.pool}
min_pool_size = {place.pool}
pooler_mode = "transaction"
prepared_statements_limit = {PREPARED_STATEMENTS}
auth_type = "scram"
{secure}
[[databases]]
name = "app"
host = "127.0.0.1"
port = {place.cluster.port}
""")
    users = place.cluster.private_file(f"{system.key}-users.toml", f"""
[[users]]
name = "app"
database = "app"
password = "{place.cluster.password}"
""")
    return ["--config", main, "--users", users]


def pgcat(place, system, tls):
    """It asks clients for md5, not SCRAM: its cost of a login is not comparable."""
    secure = f'tls_certificate = "{place.cluster.certificate}"\ntls_private_key = "{place.cluster.key}"' if tls else ""
    return [place.cluster.private_file(f"{system.key}.toml", f"""
[general]
host = "127.0.0.1"
port = {system.address[1]}
worker_threads = {system.workers}
admin_username = "admin"
admin_password = "{place.cluster.admin_password}"
{secure}
[pools.app]
pool_mode = "transaction"
query_parser_enabled = false
prepared_statements_cache_size = {PREPARED_STATEMENTS}
[pools.app.users.0]
username = "app"
password = "{place.cluster.password}"
pool_size = {place.pool}
min_pool_size = {place.pool}
[pools.app.shards.0]
database = "app"
servers = [["127.0.0.1", {place.cluster.port}, "primary"]]
""")]


def pgweir(place, system, tls):
    cluster = place.cluster
    secure = f", tls: {{mode: require, cert_file: {cluster.certificate}, key_file: {cluster.key}}}" if tls else ""
    secret = cluster.private_file("app.password", cluster.password)
    # Named only where it is not the default: versions that do not know it yet can be compared, too.
    state = f", state: {system.state}" if system.state else ""
    prepared = f", max_prepared_statements: {PREPARED_STATEMENTS}"
    return ["serve", cluster.private_file(f"{system.key}.yaml", f"""
listen: {{host: 127.0.0.1, port: {system.address[1]}, max_clients: {MAX_CLIENTS}{secure}}}
workers: {system.workers}
admin: {{host: 127.0.0.1, port: {processes.free_port()}}}
databases:
  app: {{host: 127.0.0.1, port: {cluster.port}}}
users:
  app: {{password_file: {secret}}}
pool: {{mode: transaction, min_size: {place.pool}, max_size: {place.pool}{prepared}{state}}}
log: {{level: warning}}
""")]
