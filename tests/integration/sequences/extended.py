"""X: what a client may send after its login. Names follow the project's catalogue of protocol hazards."""

import struct

from harness.messages import B, CP, CS, DP, DS, E, F, H, P, Q, S, c, d, f, message, p
from harness.sequence import Sequence, admin_sql, step

TABLE = "create table seq (id int primary key, v text); grant all on seq to public"
DROP = "drop table if exists seq"
ERROR = P("", "select 1/0")
BAD = P("", "selekt 1")
ONE = P("", "select 1") + B() + E()
ONE_REPLY = "1 2 D(1) C(SELECT 1)"


def insert(number):
    return P("", f"insert into seq values ({number}, 'x')") + B() + E()


PIPELINES = [
    Sequence("X01", "a failed Parse discards everything up to Sync, and exactly one ReadyForQuery comes", [
        step(BAD + B() + E() + ONE + S, "E(42601) Z(I)")]),
    Sequence("X02", "an error in the middle of a pipeline rolls back the statements before it", [
        step(insert(1) + ERROR + B() + E() + insert(2) + S, "1 2 C(INSERT 0 1) 1 E(22012) Z(I)"),
        step(Q("select count(*) from seq"), "T D(0) C(SELECT 1) Z(I)"),
        step(Q("select 3"), "T D(3) C(SELECT 1) Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X03", "the Sync may come long after the error", [
        step(ERROR + B() + E(), "1 E(22012)"),
        step(ONE), step(S, "Z(I)")]),
    Sequence("X04", "a simple Query between Flush and Sync is answered, and the Sync still is", [
        step(P() + B() + DP() + E() + H, "1 2 T D(1) C(SELECT 1)"),
        step(Q("select 2"), "T D(2) C(SELECT 1) Z(I)"),
        step(S, "Z(I)")], max_version=17),
    Sequence("X05", "a simple Query after an error is skipped like everything else before the Sync", [
        step(BAD + B() + E() + Q("select 99") + S, "E(42601) Z(I)"),
        step(Q("select 3"), "T D(3) C(SELECT 1) Z(I)")]),
    Sequence("X06", "statements of one string after the failing one are not run", [
        step(Q("select 1; select 1/0; select 3"), "T D(1) C(SELECT 1) E(22012) Z(I)")]),
    Sequence("X07", "BEGIN inside a string changes the status; one ReadyForQuery per string", [
        step(Q("begin; select 1; select 2"), "C(BEGIN) T D(1) C(SELECT 1) T D(2) C(SELECT 1) Z(T)"),
        step(Q("commit; select 3"), "C(COMMIT) T D(3) C(SELECT 1) Z(I)")]),
    Sequence("X08", "a failed transaction refuses everything but its end", [
        step(Q("begin"), "C(BEGIN) Z(T)"),
        step(Q("select 1/0"), "E(22012) Z(E)"),
        step(Q("select 1"), "E(25P02) Z(E)"),
        step(Q("rollback"), "C(ROLLBACK) Z(I)")]),
    Sequence("X09", "Parse in a failed transaction", [
        step(Q("begin"), "C(BEGIN) Z(T)"),
        step(Q("select 1/0"), "E(22012) Z(E)"),
        step(ONE + S, "E(25P02) Z(E)"),
        step(P("", "rollback") + B() + E() + S, "1 2 C(ROLLBACK) Z(I)")]),
    Sequence("X10", "empty statements", [
        step(Q(""), "I Z(I)"), step(Q(" ;; "), "I Z(I)"),
        step(P("", "") + B() + DP() + E() + S, "1 2 n I Z(I)")]),
    Sequence("X25", "Flush delivers without releasing: the portal continues", [
        step(P("", "select generate_series(1,5)") + B("p1") + E("p1", 2) + H, "1 2 D(1) D(2) s"),
        step(E("p1", 2) + H, "D(3) D(4) s"),
        step(E("p1", 2) + S, "D(5) C(SELECT 1) Z(I)")]),
    Sequence("X26", "interleaved portals", [
        step(P("", "select generate_series(1,4)") + B("pa") + B("pb") + E("pa", 1) + E("pb", 2) + E("pa", 1) +
             E("pb", 0) + S, "1 2 2 D(1) s D(1) D(2) s D(2) s D(3) D(4) C(SELECT 2) Z(I)")]),
    Sequence("X23", "a portal does not survive Sync outside a transaction", [
        step(P("", "select generate_series(1,5)") + B("p1") + E("p1", 2) + S, "1 2 D(1) D(2) s Z(I)"),
        step(E("p1", 2) + S, "E(34000) Z(I)")]),
    Sequence("X24", "a portal survives Sync inside a transaction", [
        step(Q("begin"), "C(BEGIN) Z(T)"),
        step(P("", "select generate_series(1,5)") + B("p1") + E("p1", 2) + S, "1 2 D(1) D(2) s Z(T)"),
        step(E("p1", 2) + S, "D(3) D(4) s Z(T)"),
        step(CP("p1") + S, "3 Z(T)"), step(Q("commit"), "C(COMMIT) Z(I)")]),
    Sequence("X43", "Flush with nothing to flush", [step(H), step(H + S, "Z(I)")]),
    Sequence("X44", "Describe without Execute, statement and portal", [
        step(P("", "select $1::int") + DS() + S, "1 t(23) T Z(I)"),
        step(P("", "select 1") + B() + DP() + S, "1 2 T Z(I)")]),
    Sequence("X45", "an extended COMMIT of a failed transaction says ROLLBACK", [
        step(P("", "begin") + B() + E() + S, "1 2 C(BEGIN) Z(T)"),
        step(ERROR + B() + E() + S, "1 E(22012) Z(E)"),
        step(P("", "commit") + B() + E() + S, "1 2 C(ROLLBACK) Z(I)")]),
    Sequence("X46", "a Sync alone is answered", [step(S, "Z(I)")]),
    Sequence("X47", "every Sync is answered", [step(ONE + S + S + S, ONE_REPLY + " Z(I) Z(I) Z(I)")]),
    Sequence("X48", "an explicit transaction through the extended protocol", [
        step(P("", "begin") + B() + E() + S, "1 2 C(BEGIN) Z(T)"),
        step(insert(1) + S, "1 2 C(INSERT 0 1) Z(T)"),
        step(P("", "commit") + B() + E() + S, "1 2 C(COMMIT) Z(I)"),
        step(Q("select count(*) from seq"), "T D(1) C(SELECT 1) Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X49", "a skipped Query inside a transaction", [
        step(Q("begin; savepoint a"), "C(BEGIN) C(SAVEPOINT) Z(T)"),
        step(ERROR + B() + E() + Q("release a"), "1 E(22012)"),
        step(S, "Z(E)"),
        step(Q("rollback"), "C(ROLLBACK) Z(I)"),
        step(Q("select 3"), "T D(3) C(SELECT 1) Z(I)")]),
    Sequence("X50", "VACUUM after another statement of the pipeline", [
        step(insert(1) + P("", "vacuum seq") + B() + E() + S, "1 2 C(INSERT 0 1) 1 2 E(25001) Z(I)")],
        setup=TABLE + "; alter table seq owner to app", cleanup=DROP),
    Sequence("X63", "two pipelines in one write", [
        step(ONE + S + P("", "select 2") + B() + E() + S, ONE_REPLY + " Z(I) 1 2 D(2) C(SELECT 1) Z(I)")]),
    Sequence("X64", "an error in the first of two pipelines leaves the second whole", [
        step(ERROR + B() + E() + ONE + S + P("", "select 2") + B() + E() + S,
             "1 E(22012) Z(I) 1 2 D(2) C(SELECT 1) Z(I)")]),
    Sequence("X65", "a pipeline whose last part waits for its Sync keeps its order", [
        step(ONE + S + P("", "select 2"), ONE_REPLY + " Z(I)", owes=True),
        step(B() + E() + S, "1 2 D(2) C(SELECT 1) Z(I)")]),
    Sequence("X66", "several simple Queries in one write", [
        step(Q("select 1") + Q("select 1/0") + Q("select 3"),
             "T D(1) C(SELECT 1) Z(I) E(22012) Z(I) T D(3) C(SELECT 1) Z(I)")]),
    Sequence("X67", "Sync after a Query in the same write", [
        step(Q("select 1") + S + S, "T D(1) C(SELECT 1) Z(I) Z(I) Z(I)")]),
]

STATEMENTS = [
    Sequence("X11", "a name that is taken is an error and leaves the statement", [
        step(P("s", "select 1") + S, "1 Z(I)"),
        step(P("s", "select 2") + S, "E(42P05) Z(I)"),
        step(B("", "s") + E() + S, "2 D(1) C(SELECT 1) Z(I)")]),
    Sequence("X12", "closing what is not there is fine", [step(CS("nope") + CP("nope") + S, "3 3 Z(I)")]),
    Sequence("X13", "Bind of an unknown name is an error, not the end", [
        step(B("", "nope") + E() + S, "E(26000) Z(I)")]),
    Sequence("X14", "Describe of an unknown name", [
        step(DS("nope") + S, "E(26000) Z(I)"), step(DP("nope") + S, "E(34000) Z(I)")]),
    Sequence("X15", "a failed Parse does not take the name", [
        step(P("s", "select * from missing") + S, "E(42P01) Z(I)"),
        step(P("s", "select 1") + B("", "s") + E() + S, ONE_REPLY + " Z(I)")]),
    Sequence("X15b", "names parsed after an error of the pipeline do not exist", [
        step(P("n1", "select 1/0") + B("", "n1") + E() + P("n2", "select 2") + B("", "n2") + E() + S,
             "1 E(22012) Z(I)"),
        step(B("", "n2") + E() + S, "E(26000) Z(I)"),
        step(P("n2", "select 2") + B("", "n2") + E() + S, "1 2 D(2) C(SELECT 1) Z(I)"),
        step(B("", "n1") + S, "E(22012) Z(I)")]),
    Sequence("X16", "DEALLOCATE ALL forgets the protocol's statements too", [
        step(P("s", "select 1") + S, "1 Z(I)"),
        step(Q("deallocate all"), "C(DEALLOCATE ALL) Z(I)"),
        step(B("", "s") + E() + S, "E(26000) Z(I)"),
        step(P("s", "select 2") + B("", "s") + E() + S, "1 2 D(2) C(SELECT 1) Z(I)")]),
    Sequence("X17", "DEALLOCATE of a name that was parsed", [
        step(P("s", "select 1") + S, "1 Z(I)"),
        step(Q("deallocate s"), "C(DEALLOCATE) Z(I)"),
        step(B("", "s") + E() + S, "E(26000) Z(I)"),
        step(Q("deallocate s"), "E(26000) Z(I)")]),
    Sequence("X18", "EXECUTE of a name that was parsed", [
        step(P("s", "select 7") + S, "1 Z(I)"),
        step(Q("execute s"), "T D(7) C(SELECT 1) Z(I)")]),
    Sequence("X19", "Bind of a name that was PREPAREd", [
        step(Q("prepare q as select 8"), "C(PREPARE) Z(I)"),
        step(B("", "q") + E() + S, "2 D(8) C(SELECT 1) Z(I)"),
        step(Q("deallocate q"), "C(DEALLOCATE) Z(I)")], holds=True),
    Sequence("X20", "the unnamed statement survives Sync", [
        step(P("", "select 5") + S, "1 Z(I)"),
        step(B() + E() + S, "2 D(5) C(SELECT 1) Z(I)")]),
    Sequence("X21", "a simple Query destroys the unnamed statement", [
        step(P("", "select 5") + S, "1 Z(I)"),
        step(Q("select 1"), "T D(1) C(SELECT 1) Z(I)"),
        step(B() + E() + S, "E(26000) Z(I)")]),
    Sequence("X22", "a failed Parse destroys the unnamed statement", [
        step(P("", "select 5") + S, "1 Z(I)"),
        step(BAD + S, "E(42601) Z(I)"),
        step(B() + E() + S, "E(26000) Z(I)")]),
    # Between the two, the old statement fails directly and is parsed anew unseen by pgweir: test_stale_plans.py.
    Sequence("X37", "after DDL that changes the result type, a statement parsed anew has the new one", [
        step(P("s", "select * from seq") + S, "1 Z(I)"),
        step(B("", "s") + E() + S, "2 C(SELECT 0) Z(I)"),
        admin_sql("alter table seq add column extra int"),
        step(CS("s") + P("s", "select * from seq") + B("", "s") + E() + S, "3 1 2 C(SELECT 0) Z(I)")],
        setup=TABLE, cleanup=DROP, fresh=True),
    Sequence("X38", "the same inside a transaction fails the transaction", [
        step(P("s", "select * from seq") + B("", "s") + E() + S, "1 2 C(SELECT 0) Z(I)"),
        admin_sql("alter table seq add column extra int"),
        step(Q("begin"), "C(BEGIN) Z(T)"),
        step(B("", "s") + E() + S, "E(0A000) Z(E)"),
        step(Q("rollback"), "C(ROLLBACK) Z(I)")], setup=TABLE, cleanup=DROP, fresh=True),
    Sequence("D4", "Close and Parse of one name without a Sync between", [
        step(P("s", "select 1") + S, "1 Z(I)"),
        step(CS("s") + P("s", "select 2") + B("", "s") + E() + S, "3 1 2 D(2) C(SELECT 1) Z(I)"),
        step(B("", "s") + E() + CS("s") + B("", "s") + E() + S, "2 D(2) C(SELECT 1) 3 E(26000) Z(I)")]),
    Sequence("D5", "DISCARD ALL forgets the client's own statements", [
        step(P("s", "select 1") + S, "1 Z(I)"),
        step(Q("discard all"), "C(DISCARD ALL) Z(I)"),
        step(B("", "s") + E() + S, "E(26000) Z(I)"),
        step(P("s", "select 2") + B("", "s") + E() + S, "1 2 D(2) C(SELECT 1) Z(I)")]),
    Sequence("D5b", "DEALLOCATE through the extended protocol", [
        step(P("s", "select 1") + S, "1 Z(I)"),
        step(P("", "deallocate s") + B() + E() + S, "1 2 C(DEALLOCATE) Z(I)"),
        step(B("", "s") + E() + S, "E(26000) Z(I)")]),
    Sequence("D5c", "a rolled back DEALLOCATE is not undone: statements are not transactional", [
        step(P("s", "select 1") + S, "1 Z(I)"),
        step(Q("begin"), "C(BEGIN) Z(T)"),
        step(Q("deallocate s"), "C(DEALLOCATE) Z(T)"),
        step(Q("rollback"), "C(ROLLBACK) Z(I)"),
        step(B("", "s") + E() + S, "E(26000) Z(I)")]),
    Sequence("D5d", "a statement parsed in a transaction that rolls back stays", [
        step(Q("begin"), "C(BEGIN) Z(T)"),
        step(P("s", "select 4") + S, "1 Z(T)"),
        step(Q("rollback"), "C(ROLLBACK) Z(I)"),
        step(B("", "s") + E() + S, "2 D(4) C(SELECT 1) Z(I)")]),
    Sequence("D6", "the unnamed statement of a failed pipeline", [
        step(P("", "select 5") + B() + E() + ERROR + B() + E() + S, "1 2 D(5) C(SELECT 1) 1 E(22012) Z(I)"),
        step(DS() + S, "t() T Z(I)")]),
    Sequence("D9", "one text with different parameter types is two statements", [
        step(P("a", "select $1", (23,)) + P("b", "select $1", (25,)) + DS("a") + DS("b") + S,
             "1 1 t(23) T t(25) T Z(I)"),
        step(B("", "a", ("7",)) + E() + B("", "b", ("x",)) + E() + S,
             "2 D(7) C(SELECT 1) 2 D(x) C(SELECT 1) Z(I)")]),
    Sequence("D13", "a long text and a long name", [
        step(P("n" * 60, "select '" + "y" * 40000 + "'") + B("", "n" * 60) + E() + S,
             "1 2 D C(SELECT 1) Z(I)")]),
    Sequence("D14", "the same text under two names; closing one leaves the other", [
        step(P("a", "select 1") + P("b", "select 1") + S, "1 1 Z(I)"),
        step(CS("a") + B("", "b") + E() + S, "3 2 D(1) C(SELECT 1) Z(I)"),
        step(B("", "a") + S, "E(26000) Z(I)")]),
]

COPIES = [
    Sequence("X27", "COPY IN", [
        step(Q("copy seq from stdin"), "G"),
        step(d("1\ta\n") + d("2\tb\n") + c, "C(COPY 2) Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X27b", "COPY IN in one write with what follows", [
        step(Q("copy seq from stdin") + d("1\ta\n") + c + Q("select count(*) from seq"),
             "G C(COPY 1) Z(I) T D(1) C(SELECT 1) Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X28", "CopyFail", [
        step(Q("copy seq from stdin"), "G"),
        step(d("1\ta\n") + f(), "E(57014) Z(I)"),
        step(Q("select count(*) from seq"), "T D(0) C(SELECT 1) Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X29", "a bad row while data keeps coming: one error, one ReadyForQuery", [
        step(Q("copy seq from stdin"), "G"),
        step(d("x\ta\n"), "E(22P02) Z(I)"),
        step(d("2\tb\n") + d("3\tc\n") + c + Q("select 3"), "T D(3) C(SELECT 1) Z(I)")],
        setup=TABLE, cleanup=DROP),
    Sequence("X30", "a Query during COPY IN is the end", [
        step(Q("copy seq from stdin"), "G"),
        step(Q("select 1"), "E(08P01) E(FATAL 08P01) EOF")], setup=TABLE, cleanup=DROP, ends=True,
        kills_backend=True, transparent=False,
        differs="what comes before the end may be one message or two; the backend is rolled back or closed",
        proxied=[step(Q("copy seq from stdin"), "G"), step(Q("select 1"), "E(*08P01)")]),
    Sequence("X31", "Flush and Sync during a simple COPY IN are ignored", [
        step(Q("copy seq from stdin"), "G"),
        step(d("1\ta\n") + H + S + d("2\tb\n") + S + c, "C(COPY 2) Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X32", "COPY IN swallows the Sync sent before its data", [
        step(P("", "copy seq from stdin") + B() + E() + S, "1 2 G"),
        step(d("1\ta\n") + c + S, "C(COPY 1) Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X33", "an error in an extended COPY IN waits for a Sync; CopyInResponse does not", [
        step(P("", "copy seq from stdin") + B() + E() + H, "1 2 G"),
        step(d("x\ta\n"), "E(22P02)"),
        step(d("2\tb\n") + c), step(S, "Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X33b", "CopyFail in an extended COPY IN", [
        step(P("", "copy seq from stdin") + B() + E() + H, "1 2 G"),
        step(d("1\ta\n") + f(), "E(57014)"), step(S, "Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X34", "COPY OUT, simple and extended", [
        step(Q("copy (select generate_series(1,3)) to stdout"), "H d(1) d(2) d(3) c C(COPY 3) Z(I)"),
        step(P("", "copy (select 7) to stdout") + B() + E() + S, "1 2 H d(7) c C(COPY 1) Z(I)")]),
    Sequence("X34b", "an error in the middle of COPY OUT", [
        step(Q("copy (select 10/(3-g) from generate_series(1,5) g) to stdout"), "H d(5) d(10) E(22012) Z(I)")]),
    Sequence("X35", "stray CopyData, CopyDone and CopyFail are ignored", [
        step(d("x") + c + f() + Q("select 4"), "T D(4) C(SELECT 1) Z(I)"),
        step(d("x") + ONE + c + S, ONE_REPLY + " Z(I)")]),
    Sequence("X36", "COPY among other statements of one string", [
        step(Q("select 1; copy seq from stdin; select count(*) from seq"), "T D(1) C(SELECT 1) G"),
        step(d("1\ta\n") + c, "C(COPY 1) T D(1) C(SELECT 1) Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X36b", "two COPYs of one string, in and out", [
        step(Q("copy seq from stdin; copy seq to stdout"), "G"),
        step(d("1\ta\n") + c, "C(COPY 1) H d(1*a) c C(COPY 1) Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X68", "COPY IN inside a transaction, failing, then its end", [
        step(Q("begin"), "C(BEGIN) Z(T)"),
        step(Q("copy seq from stdin"), "G"),
        step(d("x\ta\n"), "E(22P02) Z(E)"),
        step(c + Q("rollback"), "C(ROLLBACK) Z(I)"),
        step(Q("select 3"), "T D(3) C(SELECT 1) Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X69", "an empty COPY IN", [
        step(Q("copy seq from stdin") + c, "G C(COPY 0) Z(I)")], setup=TABLE, cleanup=DROP),
    Sequence("X70", "two extended COPYs in a pipeline", [
        step(P("", "copy seq from stdin") + B() + E() + d("1\ta\n") + c + P("", "copy seq from stdin") + B() + E() +
             d("2\tb\n") + c + S, "1 2 G C(COPY 1) 1 2 G C(COPY 1) Z(I)")], setup=TABLE, cleanup=DROP),
]

FUNCTION_CALLS = [
    Sequence("X39", "FunctionCall", [  # int4pl(2, 3)
        step(F(177, (2, 3)), "V(5) Z(I)"), step(F(177, (2, 3)) + Q("select 1"), "V(5) Z(I) T D(1) C(SELECT 1) Z(I)")]),
    Sequence("X40", "FunctionCall that fails, and one of a function that is not there", [
        step(F(154, (1, 0)), "E(22012) Z(I)"), step(F(4294967295), "E(42883) Z(I)"),
        step(Q("begin"), "C(BEGIN) Z(T)"), step(F(177, (2, 3)), "V(5) Z(T)"), step(F(154, (1, 0)), "E(22012) Z(E)"),
        step(Q("rollback"), "C(ROLLBACK) Z(I)")]),
]

SETTINGS = [
    Sequence("X41", "SET of a reported parameter tells the client", [
        step(Q("set timezone to 'Europe/Berlin'"), "C(SET) S(TimeZone=Europe/Berlin) Z(I)"),
        step(Q("show timezone"), "T D(Europe/Berlin) C(SHOW) Z(I)"),
        step(Q("reset timezone"), "C(RESET) S(TimeZone=UTC) Z(I)")]),
    Sequence("X42", "ROLLBACK of a SET tells the client the old value", [
        step(Q("begin"), "C(BEGIN) Z(T)"),
        step(Q("set timezone to 'Europe/Berlin'"), "C(SET) S(TimeZone=Europe/Berlin) Z(T)"),
        step(Q("rollback"), "C(ROLLBACK) S(TimeZone=UTC) Z(I)"),
        step(Q("show timezone"), "T D(UTC) C(SHOW) Z(I)")]),
    Sequence("X42b", "SET LOCAL ends with its transaction", [
        step(Q("begin; set local timezone to 'Europe/Berlin'"), "C(BEGIN) C(SET) S(TimeZone=Europe/Berlin) Z(T)"),
        step(Q("commit"), "C(COMMIT) S(TimeZone=UTC) Z(I)")]),
    Sequence("X42c", "ROLLBACK TO undoes what was set after the savepoint, and only that", [
        step(Q("begin; set work_mem to '1MB'; savepoint a; set work_mem to '2MB'; rollback to a; commit"),
             "C(BEGIN) C(SET) C(SAVEPOINT) C(SET) C(ROLLBACK) C(COMMIT) Z(I)"),
        step(Q("show work_mem"), "T D(1MB) C(SHOW) Z(I)"),
        step(Q("reset all"), "C(RESET) Z(I)"), step(Q("show work_mem"), "T D(4MB) C(SHOW) Z(I)")]),
    Sequence("X62", "RESET ALL does not undo SET ROLE, DISCARD ALL does", [
        step(Q("set role team"), "C(SET) Z(I)"),
        step(Q("reset all"), "C(RESET) Z(I)"),
        step(Q("select current_user"), "T D(team) C(SELECT 1) Z(I)"),
        step(Q("discard all"), "C(DISCARD ALL) Z(I)"),
        step(Q("select current_user"), "T D(app) C(SELECT 1) Z(I)")], holds=True),
]

MALFORMED = [
    Sequence("X51", "an unknown message type is the end", [
        step(message(b"y", b"abc"), "E(FATAL 08P01) EOF")], ends=True, kills_backend=True, transparent=False,
        differs="the same code, in the words of the proxy, which ends this client and keeps the backend"),
    Sequence("X52", "a length under 4", [step(message(b"Q", b"", length=3), "EOF")], ends=True, kills_backend=True,
             transparent=False, differs="PostgreSQL tells its log alone; a reason for the client is welcome",
             proxied=[step(message(b"Q", b"", length=3))]),
    Sequence("X53", "a negative length", [step(message(b"Q", b"", length=-1), "EOF")], ends=True,
             kills_backend=True, transparent=False, differs="as X52",
             proxied=[step(message(b"Q", b"", length=-1))]),
    Sequence("X54", "a length over the type's limit", [step(message(b"E", b"", length=0x7FFFFFFF), "EOF")], ends=True,
             kills_backend=True, transparent=False, differs="as X52",
             proxied=[step(message(b"E", b"", length=0x7FFFFFFF))]),
    Sequence("X55", "an over-long Sync ends the connection of this client alone", [
        step(message(b"S", b"x" * 20000, length=20004), "EOF")], ends=True, kills_backend=True, transparent=False,
        differs="as X52", proxied=[step(message(b"S", b"x" * 20000, length=20004))]),
    Sequence("X55b", "a Sync with a body is an error; the connection lives", [
        step(message(b"S", b"abc"), "E(08P01) Z(I)")]),
    Sequence("X56", "a Query without its NUL", [step(message(b"Q", b"select 1"), "E(08P01) Z(I)")]),
    Sequence("X56b", "a Query with bytes after its NUL", [
        step(message(b"Q", b"select 1\0xyz"), "E(08P01) Z(I)")]),
    Sequence("X57", "a malformed Bind: no ReadyForQuery before the Sync", [
        step(message(b"B", b"\0nope"), "E(26000|08P01)"), step(S, "Z(I)")]),
    Sequence("X58", "Parse with trailing bytes", [
        step(message(b"P", b"\0select 1\0\0\0junk") + S, "E(08P01) Z(I)")]),
    Sequence("X59", "Describe of neither statement nor portal", [
        step(message(b"D", b"x\0") + S, "E(08P01) Z(I)")]),
    Sequence("X59b", "Close of neither statement nor portal", [
        step(message(b"C", b"x\0") + S, "E(08P01) Z(I)")]),
    Sequence("X60", "too few parameters in Bind", [
        step(P("s", "select $1::int, $2::int") + S, "1 Z(I)"),
        step(B("", "s", ("1",)) + E() + S, "E(08P01) Z(I)"),
        step(B("", "s", ("1", "2")) + E() + S, "2 D(1,2) C(SELECT 1) Z(I)")]),
    Sequence("X61", "a password message after the login", [
        step(p(b"secret\0"), "E(FATAL 08P01) EOF")], ends=True, kills_backend=True, transparent=False,
        differs="as X51"),
    Sequence("X71", "Parse whose parameter count promises more than it brings", [
        step(message(b"P", b"s\0select 1\0" + struct.pack("!H", 9)) + S, "E(08P01) Z(I)"),
        step(P("s", "select 1") + B("", "s") + E() + S, ONE_REPLY + " Z(I)")]),
    Sequence("X72", "Bind whose value is longer than the message", [
        step(P("s", "select $1::text") + S, "1 Z(I)"),
        step(message(b"B", b"\0s\0" + struct.pack("!HHi", 0, 1, 1000) + b"ab") + S, "E(08P01) Z(I)"),
        step(B("", "s", ("ok",)) + E() + S, "2 D(ok) C(SELECT 1) Z(I)")]),
    Sequence("X73", "Execute cut short", [step(message(b"E", b"\0\0") + S, "E(08P01) Z(I)")]),
    Sequence("X74", "FunctionCall cut short", [step(message(b"F", struct.pack("!I", 177)), "E(08P01) Z(I)")]),
    Sequence("X75", "Terminate inside a transaction", [
        step(Q("begin; insert into seq values (1, 'x')"), "C(BEGIN) C(INSERT 0 1) Z(T)"),
        step(message(b"X"), "EOF")], setup=TABLE, cleanup=DROP, ends=True, kills_backend=True),
]

SEQUENCES = PIPELINES + STATEMENTS + COPIES + FUNCTION_CALLS + SETTINGS + MALFORMED
