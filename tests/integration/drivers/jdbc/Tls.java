import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/** One connection of JDBC with the URL, user and password of the arguments. Prints what became of it. */
public class Tls {
  public static void main(String[] arguments) throws Exception {
    try (Connection connection = DriverManager.getConnection(arguments[0], arguments[1], arguments[2]);
        PreparedStatement statement = connection.prepareStatement("select 41 + ?")) {
      statement.setInt(1, 1);
      ResultSet rows = statement.executeQuery();
      rows.next();
      System.out.println("n=" + rows.getInt(1));
    } catch (SQLException error) {
      Throwable cause = error;
      while (cause.getCause() != null) cause = cause.getCause();
      System.out.println("error=" + error.getMessage() + " / " + cause.getMessage());
    }
  }
}
