// What a program does with JDBC: transactions, errors, savepoints, COPY both ways, server-prepared statements, batches,
// cursors, cancel. Arguments: URL, user, password. Any failure ends it with exit code 1.
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.postgresql.PGConnection;

public final class Work {
  private static String[] address;

  private interface Action {
    void run() throws Exception;
  }

  private static Connection connect(String options) throws SQLException {
    return DriverManager.getConnection(address[0] + "?sslmode=disable" + options, address[1], address[2]);
  }

  private static void want(boolean condition, String what) {
    if (!condition) throw new AssertionError(what);
  }

  private static void fails(String state, Action action) throws Exception {
    try {
      action.run();
    } catch (SQLException error) {
      want(state.equals(error.getSQLState()), error.getSQLState() + " " + error.getMessage());
      return;
    }
    throw new AssertionError("no error, expected " + state);
  }

  private static int number(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getInt(1);
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static void transactionsAndErrors(String options) throws Exception {
    try (Connection connection = connect(options)) {
      execute(connection, "drop table if exists jdbc_items");
      execute(connection, "create table jdbc_items (id int primary key, v text)");
      connection.setAutoCommit(false);
      try (PreparedStatement insert = connection.prepareStatement("insert into jdbc_items values (?, ?)")) {
        for (int n = 0; n < 20; ++n) {
          insert.setInt(1, n);
          insert.setString(2, "v" + n);
          insert.executeUpdate();
        }
        connection.commit();
        Savepoint point = connection.setSavepoint();
        insert.setInt(1, 1);
        insert.setString(2, "again");
        fails("23505", insert::executeUpdate);
        connection.rollback(point);
        insert.setInt(1, 100);
        insert.executeUpdate();
      }
      connection.commit();
      want(number(connection, "select count(*) from jdbc_items") == 21, "21 rows");
      connection.rollback();
      fails("42601", () -> execute(connection, "selekt 1"));
      connection.rollback();
      connection.setAutoCommit(true);
      fails("22012", () -> number(connection, "select 1/0"));
      want(number(connection, "select 42") == 42, "afterwards");
      execute(connection, "drop table jdbc_items");
    }
  }

  private static void preparedStatements() throws Exception {
    List<Connection> connections = new ArrayList<>();
    List<PreparedStatement> statements = new ArrayList<>();
    for (int n = 0; n < 4; ++n) {
      connections.add(connect("&prepareThreshold=1"));
      statements.add(connections.get(n).prepareStatement("select " + n * 1000 + " + ?"));
    }
    for (int turn = 0; turn < 30; ++turn) {
      for (int n = 0; n < 4; ++n) {
        statements.get(n).setInt(1, turn);
        try (ResultSet rows = statements.get(n).executeQuery()) {
          rows.next();
          want(rows.getInt(1) == n * 1000 + turn, "its own statement");
        }
      }
    }
    for (Connection connection : connections) connection.close();
  }

  private static void batchesAndCursors() throws Exception {
    try (Connection connection = connect("&prepareThreshold=1&reWriteBatchedInserts=false")) {
      execute(connection, "drop table if exists jdbc_batch");
      execute(connection, "create table jdbc_batch (id int)");
      connection.setAutoCommit(false);
      try (PreparedStatement insert = connection.prepareStatement("insert into jdbc_batch values (?)")) {
        for (int n = 0; n < 1000; ++n) {
          insert.setInt(1, n);
          insert.addBatch();
        }
        want(insert.executeBatch().length == 1000, "a batch");
      }
      connection.commit();
      try (Statement statement = connection.createStatement()) {
        statement.setFetchSize(50);
        int sum = 0;
        try (ResultSet rows = statement.executeQuery("select id from jdbc_batch")) {
          while (rows.next()) sum += rows.getInt(1);
        }
        want(sum == 499500, "a cursor over all rows");
      }
      connection.rollback();
      connection.setAutoCommit(true);
      execute(connection, "drop table jdbc_batch");
    }
  }

  private static void copies() throws Exception {
    try (Connection connection = connect("")) {
      execute(connection, "drop table if exists jdbc_copy");
      execute(connection, "create table jdbc_copy (id int, v text)");
      var copy = connection.unwrap(PGConnection.class).getCopyAPI();
      StringBuilder lines = new StringBuilder();
      for (int n = 0; n < 5000; ++n) lines.append(n).append("\tv").append(n).append('\n');
      want(copy.copyIn("copy jdbc_copy from stdin", new StringReader(lines.toString())) == 5000, "copy in");
      StringWriter out = new StringWriter();
      copy.copyOut("copy (select * from jdbc_copy order by id) to stdout", out);
      want(out.toString().equals(lines.toString()), "copy out");
      fails("22P02", () -> copy.copyIn("copy jdbc_copy from stdin", new StringReader("x\ty\n".repeat(5000))));
      var unfinished = copy.copyIn("copy jdbc_copy from stdin");
      unfinished.writeToCopy("1\ta\n".getBytes(), 0, 4);
      unfinished.cancelCopy();
      want(number(connection, "select count(*) from jdbc_copy") == 5000, "as before");
      execute(connection, "drop table jdbc_copy");
    }
  }

  private static void cancel() throws Exception {
    try (Connection connection = connect(""); Statement statement = connection.createStatement()) {
      ExecutorService background = Executors.newSingleThreadExecutor();
      Future<String> state = background.submit(() -> {
        try {
          statement.execute("select pg_sleep(30)");
          return "finished";
        } catch (SQLException error) {
          return error.getSQLState();
        }
      });
      while (!state.isDone()) {
        statement.cancel();
        Thread.onSpinWait();
        try {
          state.get(200, java.util.concurrent.TimeUnit.MILLISECONDS);
        } catch (java.util.concurrent.TimeoutException again) {
          // not yet running when the cancel came
        }
      }
      want("57014".equals(state.get()), state.get());
      background.shutdown();
    }
    try (Connection connection = connect(""); Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      fails("57014", () -> statement.execute("select pg_sleep(30)"));
      want(number(connection, "select 1") == 1, "after a time-out");
    }
  }

  private static void manyThreads() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(20);
    List<Future<Boolean>> results = new ArrayList<>();
    for (int n = 0; n < 60; ++n) {
      final int mine = n;
      results.add(pool.submit(() -> {
        try (Connection connection = connect("&prepareThreshold=1")) {
          connection.setAutoCommit(false);
          for (int turn = 0; turn < 5; ++turn) {
            want(number(connection, "select " + (mine * 10 + turn)) == mine * 10 + turn, "its own row");
            connection.commit();
          }
          return true;
        }
      }));
    }
    for (Future<Boolean> result : results) result.get();
    pool.shutdown();
  }

  public static void main(String[] arguments) throws Exception {
    address = arguments;
    for (String options : new String[] {"", "&autosave=always", "&preferQueryMode=simple", "&prepareThreshold=1"}) {
      transactionsAndErrors(options);
    }
    preparedStatements();
    batchesAndCursors();
    copies();
    cancel();
    manyThreads();
    System.out.println("JDBC: all done");
  }
}
