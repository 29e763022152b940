"""E: effects that are only visible later: names, timeouts, commits, asynchronous messages."""

from harness.messages import B, CP, CS, E, H, P, Q, S
from harness.sequence import Sequence, act, step

DEFERRED = ("create table seq (id int unique deferrable initially deferred); grant all on seq to public")
TABLE = "create table seq (id int primary key, v text); grant all on seq to public"
DROP = "drop table if exists seq"


SEQUENCES = [
    Sequence("E01", "names of statements are cut to 63 bytes", [
        step(P("n" * 63 + "abc", "select 1") + S, "1 Z(I)"),
        step(P("n" * 63 + "xyz", "select 2") + S, "E(42P05) Z(I)"),
        step(B("", "n" * 63) + E() + S, "2 D(1) C(SELECT 1) Z(I)")]),
    Sequence("E02", "NOTICE arrives in its place", [
        step(Q("do $$ begin raise notice 'hello'; end $$"), "N(00000) C(DO) Z(I)"),
        step(P("", "do $$ begin raise warning 'hello'; end $$") + B() + E() + S, "1 2 N(01000) C(DO) Z(I)")]),
    Sequence("E03", "an error with all its fields", [
        step(Q("do $$ begin raise exception 'x' using errcode='ZZ001', hint='h', detail='d'; end $$"),
             "E(ZZ001) Z(I)")]),
    Sequence("E04", "statement_timeout inside a pipeline", [
        step(Q("set statement_timeout to '1s'"), "C(SET) Z(I)"),
        step(P("", "select 1") + B() + E() + P("", "select pg_sleep(5)") + B() + E() + P("", "select 2") + B() + E() +
             S, "1 2 D(1) C(SELECT 1) 1 2 E(57014) Z(I)"),
        step(Q("reset statement_timeout"), "C(RESET) Z(I)")]),
    Sequence("E06", "a big row", [
        step(Q("select repeat('x', 300000)"), "T D C(SELECT 1) Z(I)"),
        step(P("", "select repeat('y', 300000)") + B() + E() + S, "1 2 D C(SELECT 1) Z(I)")]),
    Sequence("E07", "a big statement", [
        step(Q("select length('" + "z" * 200000 + "')"), "T D(200000) C(SELECT 1) Z(I)")]),
    Sequence("E08", "CommandComplete is not a commit: the server's Z is", [
        step(P("", "insert into seq values (1)") + B() + E() + H, "1 2 C(INSERT 0 1)"),
        step(S, "Z(I)"),
        step(Q("select count(*) from seq"), "T D(1) C(SELECT 1) Z(I)")], setup=DEFERRED, cleanup=DROP),
    Sequence("E09", "a deferred constraint fails at COMMIT", [
        step(Q("begin; insert into seq values (1),(1)"), "C(BEGIN) C(INSERT 0 2) Z(T)"),
        step(Q("commit"), "E(23505) Z(I)")], setup=DEFERRED, cleanup=DROP),
    Sequence("E10", "a deferred constraint fails at Sync", [
        step(P("", "insert into seq values (1),(1)") + B() + E() + H, "1 2 C(INSERT 0 2)"),
        step(S, "E(23505) Z(I)")], setup=DEFERRED, cleanup=DROP),
    Sequence("E11", "COMMIT AND CHAIN stays in a transaction", [
        step(Q("begin"), "C(BEGIN) Z(T)"), step(Q("commit and chain"), "C(COMMIT) Z(T)"),
        step(Q("rollback and chain"), "C(ROLLBACK) Z(T)"), step(Q("commit"), "C(COMMIT) Z(I)")]),
    Sequence("E12", "a warning for COMMIT without a transaction", [
        step(Q("commit"), "N(25P01) C(COMMIT) Z(I)"),
        step(Q("begin; begin"), "C(BEGIN) N(25001) C(BEGIN) Z(T)"), step(Q("rollback"), "C(ROLLBACK) Z(I)")]),
    Sequence("E13", "a procedure that commits inside", [
        step(Q("call seq_commits()"), "C(CALL) Z(I)"),
        step(Q("select count(*) from seq"), "T D(2) C(SELECT 1) Z(I)")],
        setup=TABLE + "; create procedure seq_commits() language plpgsql as $$ begin insert into seq values (1); "
        "commit; insert into seq values (2); end $$", cleanup="drop procedure if exists seq_commits(); " + DROP),
    Sequence("E14", "isolation, read only and deferrable transactions", [
        step(Q("begin isolation level serializable read only deferrable"), "C(BEGIN) Z(T)"),
        step(Q("show transaction_isolation"), "T D(serializable) C(SHOW) Z(T)"),
        step(Q("commit"), "C(COMMIT) Z(I)")]),
    Sequence("E15", "closing a statement leaves its open portal", [
        step(Q("begin"), "C(BEGIN) Z(T)"),
        step(P("s", "select generate_series(1,3)") + B("p1", "s") + E("p1", 1) + CS("s") + E("p1", 1) + S,
             "1 2 D(1) s 3 D(2) s Z(T)"),
        step(E("p1") + CP("p1") + S, "D(3) C(SELECT 1) 3 Z(T)"), step(Q("commit"), "C(COMMIT) Z(I)")]),
    Sequence("E16", "Close of a portal and of a statement with one name", [
        step(Q("begin"), "C(BEGIN) Z(T)"),
        step(P("x", "select 1") + B("x", "x") + CP("x") + S, "1 2 3 Z(T)"),
        step(B("x", "x") + E("x") + S, "2 D(1) C(SELECT 1) Z(T)"), step(Q("commit"), "C(COMMIT) Z(I)")]),
    Sequence("E17", "SQL PREPARE, EXECUTE, DEALLOCATE", [
        step(Q("prepare q(int) as select $1 + 1"), "C(PREPARE) Z(I)"),
        step(Q("execute q(4)"), "T D(5) C(SELECT 1) Z(I)"),
        step(Q("prepare q as select 1"), "E(42P05) Z(I)"),
        step(Q("deallocate q"), "C(DEALLOCATE) Z(I)"), step(Q("execute q(4)"), "E(26000) Z(I)")], holds=True),
    Sequence("E18", "SQL PREPARE of a name that Parse took", [
        step(P("s", "select 1") + S, "1 Z(I)"), step(Q("prepare s as select 2"), "E(42P05) Z(I)"),
        step(Q("deallocate s"), "C(DEALLOCATE) Z(I)")]),
    Sequence("E19", "NOTIFY to oneself inside a transaction comes with its commit", [
        step(Q("listen seq"), "C(LISTEN) Z(I)"),
        step(Q("begin; notify seq, 'x'"), "C(BEGIN) C(NOTIFY) Z(T)"),
        step(Q("commit"), "C(COMMIT) A(seq,x) Z(I)"), step(Q("unlisten *"), "C(UNLISTEN) Z(I)")], holds=True),
    Sequence("E20", "a backend that dies in the middle of a transaction is the end", [
        step(Q("begin"), "C(BEGIN) Z(T)"),
        act(lambda context: context.kill_backend()),
        step(None, "E(FATAL 57P01) EOF")], ends=True, kills_backend=True),
    Sequence("E21", "a statement that is cancelled", [
        step(Q("begin"), "C(BEGIN) Z(T)"),
        act(lambda context: context.cancel_after(Q("select pg_sleep(30)"))),
        step(None, "T E(57014) Z(E)"),
        step(Q("rollback"), "C(ROLLBACK) Z(I)")]),
]
